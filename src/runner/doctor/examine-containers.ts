import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findRuntime, type RuntimeSearch } from '../executor/oci/runtime/find-runtime.ts'
import { findProgram, PROGRAM_ENV } from '../executor/oci/runtime/programs.ts'
import type { IdMap } from '../executor/oci/spec/id-map.ts'
import { versionIn } from '../tools/find-tools.ts'

const run = promisify(execFile)

/** What was found out about one thing that a runner needs. */
export interface Finding {
  readonly what: string
  /** `better`: works, but something would work better. */
  readonly state: 'works' | 'better' | 'missing'
  /** A sentence; for what is missing, with what to do. */
  readonly words: string
}

const VERSION_MS = 5_000

/** Whether this machine can start containers without an engine, and how. */
export async function examineContainers(search: RuntimeSearch): Promise<readonly Finding[]> {
  const found = await findRuntime(search)
  if (typeof found === 'string') {
    return [{ what: 'containers', state: 'missing', words: found }]
  }
  const { runtime, idMap, notes } = found
  const version = await versionOf(runtime.path)
  const words = `${[runtime.name, version].filter(Boolean).join(' ')}, ${describeMap(idMap)}`
  return [
    { what: 'containers', state: 'works', words },
    ...notes.map((note) => ({ what: 'containers', state: 'better', words: note }) as const),
  ]
}

function describeMap(idMap: IdMap | undefined): string {
  if (!idMap) return 'without a user namespace: with few rights, as for strangers'
  const from = idMap.firstId === 0 ? "of this user's subordinate ids" : `from ${idMap.firstId}`
  return `with a user namespace of ${idMap.count} ids ${from}`
}

async function versionOf(path: string): Promise<string | undefined> {
  const options = { env: PROGRAM_ENV, timeout: VERSION_MS }
  const answer = await run(path, ['--version'], options).catch(() => ({ stdout: '' }))
  return versionIn(answer.stdout)
}

/** The programs that fetch and unpack images, with Debian's packages. */
const IMAGE_PROGRAMS = [
  { name: 'skopeo', use: 'fetches images', isNeeded: true },
  { name: 'tar', use: 'unpacks them (GNU tar)', isNeeded: true },
  { name: 'zstd', use: 'unpacks some images that are compressed with it', isNeeded: false },
] as const

/** Whether this machine can fetch and unpack images. */
export async function examineImages(): Promise<readonly Finding[]> {
  const found = await Promise.all(
    IMAGE_PROGRAMS.map(async (one) => ({ ...one, path: await findProgram(one.name) })),
  )
  const missing = found.filter(({ path }) => path === undefined)
  const findings = missing.map(
    ({ name, use, isNeeded }): Finding => ({
      what: 'images',
      state: isNeeded ? 'missing' : 'better',
      words: `${name}, which ${use}, is not installed: apt-get install ${name}`,
    }),
  )
  if (missing.some(({ isNeeded }) => isNeeded)) return findings
  const words = await Promise.all(
    found.flatMap(({ name, path }) => (path ? [describeProgram(name, path)] : [])),
  )
  return [{ what: 'images', state: 'works', words: words.join(', ') }, ...findings]
}

async function describeProgram(name: string, path: string): Promise<string> {
  return [name, await versionOf(path)].filter(Boolean).join(' ')
}
