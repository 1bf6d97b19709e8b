import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import { removeFolder } from '../../../../lib/remove-folder.ts'
import type { ElfMachine } from '../../elf-program.ts'
import { dockerRights, strictRights } from '../spec/capabilities.ts'
import { callProgram, resultsIn } from './call-program.ts'
import type { FoundRuntime } from './find-runtime.ts'
import { tryContainer } from './trial-container.ts'

/**
 * System calls of Linux 5.13 and later that containers may make, with their numbers, which all processors
 * share. Without arguments they do nothing.
 */
const NEWER = {
  landlock_create_ruleset: 444,
  process_mrelease: 448,
  futex_waitv: 449,
  cachestat: 451,
  fchmodat2: 452,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
} as const

const ENOSYS = -38
const TIMEOUT_MS = 10_000

/**
 * The names of those that this machine's kernel has and its libseccomp doesn't know, so that containers can't
 * make them: programs fall back to older ones. `folder`: as for `findRuntime`.
 */
export async function findUnknownCalls(
  { runtime, enter, overlayOptions, idMap, rlimits, oomScore, filters }: FoundRuntime,
  folder: string,
): Promise<readonly string[]> {
  const machine = process.arch as ElfMachine
  const calls = Object.values(NEWER).map((number) => ({ number }))
  const rights = idMap ? dockerRights() : strictRights()
  const seccomp = await filters.for(rights)
  const spec = { rights, seccomp, rlimits, oomScore, ...(idMap ? { idMap } : {}) }
  const place = { runtime, enter, overlayOptions, folder: join(folder, 'trials') }
  const [inside, outside] = await Promise.all([
    tryContainer(place, spec, { machine, calls }),
    callHere(callProgram(machine, calls), join(folder, 'trials')),
  ])
  return Object.keys(NEWER).filter(
    (_, index) => inside.results[index] === ENOSYS && outside[index] !== ENOSYS,
  )
}

async function callHere(program: Uint8Array, parent: string): Promise<readonly number[]> {
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'calls-'))
  try {
    const file = join(folder, 'calls')
    await writeFile(file, program, { mode: 0o700 })
    return resultsIn(await outputOf(file))
  } finally {
    await removeFolder(folder)
  }
}

function outputOf(file: string): Promise<Buffer> {
  const ended = Promise.withResolvers<Buffer>()
  const options = { env: PROGRAM_ENV, timeout: TIMEOUT_MS, encoding: 'buffer' } as const
  const child = execFile(file, options, (error, stdout) => {
    if (error) ended.reject(error)
    else ended.resolve(stdout)
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end()
  return ended.promise
}
