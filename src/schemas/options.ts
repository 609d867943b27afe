import { z } from 'zod';

/** Without `url` nothing of this is used: messages are plain JSON, and the registry's client is never loaded. */
export const registryOptionsSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .refine((url) => new URL(url).username === '' && new URL(url).password === '', {
        message: 'has a name or password in it; use registry.username and registry.passwordFile',
      })
      .optional()
      .describe('Address of a schema registry with the Confluent API; without one messages are plain JSON.'),
    format: z
      .enum(['avro', 'json'])
      .default('avro')
      .describe('What output topics are written as. Raw topics are read as what each message says.'),
    autoRegister: z
      .boolean()
      .default(true)
      .describe('Register the schemas of output topics at the start; off, they must be there.'),
    username: z.string().min(1).optional().describe('Name for basic authentication.'),
    passwordFile: z.string().min(1).optional().describe('File that holds the password.'),
    tokenFile: z.string().min(1).optional().describe('File that holds a bearer token, instead of name and password.'),
    caFile: z.string().min(1).optional().describe('Certificates (PEM) to trust besides the usual ones.'),
    timeoutSeconds: z.number().positive().default(10).describe('How long one answer may take.'),
  })
  .refine((options) => options.tokenFile === undefined || options.username === undefined, {
    path: ['tokenFile'],
    message: 'given beside registry.username; keep one way to authenticate',
  })
  .refine((options) => (options.username === undefined) === (options.passwordFile === undefined), {
    path: ['username'],
    message: 'name and password go together; give both or neither',
  });

/** Made by `registryOptionsSchema.parse({})`. */
export type RegistryOptions = z.infer<typeof registryOptionsSchema>;
