import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { NarwhalError } from '../../../../lib/errors.ts'
import { firstLine } from '../../../../lib/hostile-text.ts'
import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import { removeFolder } from '../../../../lib/remove-folder.ts'
import type { ElfMachine } from '../../elf-program.ts'
import type { OciSpec } from '../spec/oci-json.ts'
import { ociSpec, RUN_FLAGS } from '../spec/oci-spec.ts'
import type { OciWanted } from '../spec/oci-wanted.ts'
import { containerUser } from '../spec/users/container-user.ts'
import { type Call, callProgram, RESULT_BYTES, resultsIn } from './call-program.ts'
import { publicFolder } from './public-folder.ts'

export type RuntimeName = 'crun' | 'runc'

/** A program that starts containers. */
export interface RuntimeProgram {
  readonly name: RuntimeName
  /** Its absolute path. */
  readonly path: string
}

/** Where and how containers are tried. */
export interface TrialPlace {
  readonly runtime: RuntimeProgram
  /** Where the images and the containers' own layers are: file systems differ. */
  readonly folder: string
  /** Put before the command: an ordinary user's entry into a user namespace. */
  readonly enter: readonly string[]
  readonly overlayOptions: string
}

export type TrialSpec = Pick<OciWanted, 'rights' | 'seccomp' | 'idMap' | 'rlimits' | 'oomScore'>

export interface TrialResult {
  /** Of the calls, in their order. */
  readonly results: readonly number[]
  /** The filter that crun has compiled; absent if it hasn't. */
  readonly filter?: Uint8Array
}

const TIMEOUT_MS = 30_000
const MOST_SAID = 10_000
const MOST_SHOWN = 500

/**
 * Makes an overlay and removes a file and a folder of its lower layer, then becomes the runtime. The mounts
 * are its own and the container's.
 */
const SCRIPT = `
cd "$1" && mount --bind . "$2" && cd "$2" && shift 2 || exit
mount -t overlay -o "nodev,$1,lowerdir=lower,upperdir=upper,workdir=work" overlay root || exit
shift
rm root/file && rm -r root/folder && mkdir root/folder && [ ! -e root/folder/file ] || exit
if [ -d /sys/fs/cgroup/unified ]; then
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup/unified || exit
fi
exec "$@"
`

/**
 * Runs these system calls in a container of this kind. Rejects with `unavailable` and what the programs said
 * if it can't be started; leaves nothing behind.
 */
export async function tryContainer(
  place: TrialPlace,
  spec: TrialSpec,
  { machine, calls }: { readonly machine: ElfMachine; readonly calls: readonly Call[] },
): Promise<TrialResult> {
  await mkdir(place.folder, { recursive: true })
  const folder = await mkdtemp(join(place.folder, 'trial-'))
  try {
    // Its root may be another user.
    await chmod(folder, 0o711)
    await prepare(folder, spec, callProgram(machine, calls))
    return await run(place, folder, calls.length)
  } finally {
    await removeFolder(folder)
  }
}

/** All that decides what a trial shows, but for this machine; plain data. */
export function trialFacts(place: TrialPlace, spec: TrialSpec): readonly unknown[] {
  const command = commandOf({ ...place, folder: '' }, { folder: '', state: '', id: '' })
  return [command, configOf(spec)]
}

async function prepare(folder: string, spec: TrialSpec, program: Uint8Array): Promise<void> {
  const at = (...parts: string[]) => join(folder, ...parts)
  for (const name of ['lower/folder', 'upper', 'work', 'root', 'state']) {
    await mkdir(at(name), { recursive: true, mode: 0o755 })
  }
  await writeFile(at('lower/file'), '')
  await writeFile(at('lower/folder/file'), '')
  await writeFile(at('lower/calls'), program, { mode: 0o755 })
  const first = spec.idMap?.firstId ?? 0
  if (first !== 0) {
    const owned = [
      'lower',
      'lower/file',
      'lower/folder',
      'lower/folder/file',
      'lower/calls',
      'upper',
    ]
    await Promise.all(owned.map((name) => chown(at(name), first, first)))
  }
  await writeFile(at('config.json'), JSON.stringify(configOf(spec)))
}

function configOf(spec: TrialSpec): OciSpec {
  return ociSpec({
    ...spec,
    root: join(publicFolder(), 'root'),
    args: ['/calls'],
    env: [],
    folder: '/',
    user: containerUser('', {}),
    hostname: 'narwhal',
    network: { kind: 'new' },
    mounts: [],
  })
}

async function run(place: TrialPlace, folder: string, count: number): Promise<TrialResult> {
  const id = `narwhal-${basename(folder)}`
  const state = join(folder, 'state')
  const [program = '', ...args] = commandOf(place, { folder, state, id })
  const child = spawn(program, args, { env: PROGRAM_ENV, stdio: 'pipe', timeout: TIMEOUT_MS })
  child.stdin.on('error', () => {})
  let [output, said] = [Buffer.alloc(0), '']
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-MOST_SAID)
  })
  let filter: Promise<Buffer | undefined> | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    output = Buffer.concat([output, chunk])
    if (output.length < count * RESULT_BYTES || filter) return
    // It waits for the end of its input, and has its state until then.
    filter = readFile(join(state, id, 'seccomp.bpf')).catch(() => undefined)
    void filter.then(() => child.stdin.end())
  })
  await once(child, 'close')
  const results = resultsIn(output)
  const found = await filter
  if (found === undefined && results.length < count) throw notStarted(said)
  return { results, ...(found ? { filter: found } : {}) }
}

function commandOf(
  { runtime, enter, overlayOptions }: TrialPlace,
  { folder, state, id }: { readonly folder: string; readonly state: string; readonly id: string },
): readonly string[] {
  const unshare = ['unshare', '--mount', '--propagation', 'private', '--']
  const groups = runtime.name === 'crun' ? ['--cgroup-manager=disabled'] : []
  const start = [runtime.path, '--root', state, ...groups, 'run', ...RUN_FLAGS]
  const script = ['/bin/sh', '-c', SCRIPT, 'narwhal', folder, publicFolder(), overlayOptions]
  return [...enter, ...unshare, ...script, ...start, '--bundle', publicFolder(), id]
}

function notStarted(said: string): NarwhalError {
  // runc's messages are logfmt.
  const message = /msg="((?:[^"\\]|\\.)*)"/.exec(said)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? said
  return new NarwhalError('unavailable', firstLine(message, MOST_SHOWN) || 'it ended by itself')
}
