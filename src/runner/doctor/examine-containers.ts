import { containerWay } from '../executor/oci/runtime/container-way.ts'
import { findRuntime, type RuntimeSearch } from '../executor/oci/runtime/find-runtime.ts'
import { findVersion } from '../executor/oci/runtime/find-version.ts'
import { findUnknownCalls } from '../executor/oci/runtime/unknown-calls.ts'
import { findImagePrograms, missingProgram } from '../images/image-programs.ts'

/** What was found out about one thing that a runner needs. */
export interface Finding {
  readonly what: string
  /** `better`: works, but something would work better. */
  readonly state: 'works' | 'better' | 'missing'
  /** A sentence; for what is missing, with what to do. */
  readonly words: string
}

/** Whether this machine can start containers without an engine, and how. */
export async function examineContainers(search: RuntimeSearch): Promise<readonly Finding[]> {
  const found = await findRuntime(search)
  if (typeof found === 'string') {
    return [{ what: 'containers', state: 'missing', words: found }]
  }
  const { how, better } = containerWay(found)
  // Not to be found out where the folder's file system runs no programs (noexec).
  const unknown = await findUnknownCalls(found, search.folder).catch(() => [])
  return [
    { what: 'containers', state: 'works', words: how },
    ...[...better, ...describeUnknown(unknown)].map(
      (words) => ({ what: 'containers', state: 'better', words }) as const,
    ),
  ]
}

function describeUnknown(names: readonly string[]): readonly string[] {
  if (names.length === 0) return []
  return [
    `libseccomp is too old to know ${names.join(', ')}, so programs in containers fall back to older system calls: apt-get install --only-upgrade libseccomp2, or a newer release of the system`,
  ]
}

/** Whether this machine can fetch and unpack images. */
export async function examineImages(): Promise<readonly Finding[]> {
  const found = await findImagePrograms()
  const missing = found.filter(({ path }) => path === undefined)
  const findings = missing.map(
    (program): Finding => ({
      what: 'images',
      state: program.isNeeded ? 'missing' : 'better',
      words: missingProgram(program),
    }),
  )
  if (missing.some(({ isNeeded }) => isNeeded)) return findings
  const words = await Promise.all(
    found.flatMap(({ name, path }) => (path ? [describeProgram(name, path)] : [])),
  )
  return [{ what: 'images', state: 'works', words: words.join(', ') }, ...findings]
}

async function describeProgram(name: string, path: string): Promise<string> {
  return [name, await findVersion(path)].filter(Boolean).join(' ')
}
