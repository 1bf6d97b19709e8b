import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { CONTAINER_IDS } from '../../../../core/container-ids.ts'
import { describeError } from '../../../../lib/errors.ts'
import { findProgram } from '../../../../lib/programs/machine-programs.ts'
import { findOuterNamespace, type OuterNamespace } from '../../../user-namespace/outer-namespace.ts'
import { dockerRights, strictRights } from '../spec/capabilities.ts'
import type { IdMap } from '../spec/id-map.ts'
import type { OciRlimit } from '../spec/oci-json.ts'
import { loweredRlimits, oomScoreOf, parseRlimits, rlimitsOf } from '../spec/rlimits.ts'
import { Filters } from './filters.ts'
import { findVersion } from './find-version.ts'
import { fileIdentity } from './proofs/machine-facts.ts'
import { Proofs } from './proofs/proofs.ts'
import type { RuntimeName, RuntimeProgram } from './trial-container.ts'

/** A runtime that has started a container here, and how it does so. */
export interface FoundRuntime {
  readonly runtime: RuntimeProgram
  readonly version?: string | undefined
  /** Put before commands that start containers: an ordinary user's entry into a user namespace. */
  readonly enter: readonly string[]
  /** The user namespace of each container; absent: their root is the runner's user. */
  readonly idMap?: IdMap
  /** For the option `-o` of `mount -t overlay`. */
  readonly overlayOptions: string
  readonly rlimits: readonly OciRlimit[]
  readonly oomScore: number
  readonly filters: Filters
  /** What is missing for a better one: a sentence each, with what to do. */
  readonly notes: readonly string[]
}

export interface RuntimeSearch {
  /** On the file system of the images; used by nobody else. */
  readonly folder: string
  /** Where a root's containers have their ids on this machine; absent: no user namespace. */
  readonly firstId?: number
  /** In this order; both by default. */
  readonly names?: readonly RuntimeName[]
  /** Whether what was proven since the last boot counts; by default all is tried. It is kept in any case. */
  readonly recalls?: boolean
}

const NAMES: readonly RuntimeName[] = ['crun', 'runc']

/**
 * Finds the best way to start containers by starting one: crun before runc, with a user namespace before
 * without. Resolves to one sentence if there is none: what is missing, and the command that provides it.
 */
export async function findRuntime(search: RuntimeSearch): Promise<FoundRuntime | string> {
  const proofs = proofsOf(search)
  const machine = await lookAround(search, proofs)
  if (typeof machine === 'string') return machine
  const notes: string[] = []
  for (const name of search.names ?? NAMES) {
    const path = await findProgram(name)
    if (path === undefined) {
      if (name === 'crun') notes.push(CRUN_IS_BETTER)
      continue
    }
    const runtime = { name, path }
    for (const idMap of machine.maps) {
      const found = { ...machine, runtime, ...(idMap ? { idMap } : {}) }
      const filters = filtersOf(search, found, proofs)
      // Both to their end: nothing is written here after that.
      const [version, [proof]] = await Promise.all([
        recallVersion(path, proofs),
        Promise.allSettled([filters.for(idMap ? dockerRights() : strictRights())]),
      ])
      if (proof.status === 'fulfilled') {
        return { ...found, version, filters, notes: [...notes, ...machine.notes] }
      }
      const { reason } = proof
      notes.push(idMap && machine.maps.length > 1 ? noMap(name, reason) : fails(name, reason))
    }
  }
  const hasNone = notes.every((note) => note === CRUN_IS_BETTER)
  return hasNone ? 'neither crun nor runc is installed: apt-get install crun' : notes.join('; ')
}

const CRUN_IS_BETTER =
  'crun is not installed, and starts containers several times as fast as runc: apt-get install crun'

function fails(name: string, error: unknown): string {
  return `${name} can't start a container here: ${describeError(error)}`
}

function noMap(name: string, error: unknown): string {
  return `${name} can't start a container with a user namespace here (${describeError(error)}): see user.max_user_namespaces, and whether the runner itself is in a container`
}

interface Machine
  extends Pick<FoundRuntime, 'enter' | 'overlayOptions' | 'rlimits' | 'oomScore' | 'notes'> {
  /** Those to try, the best first. */
  readonly maps: readonly (IdMap | undefined)[]
}

async function lookAround({ firstId }: RuntimeSearch, proofs: Proofs): Promise<Machine | string> {
  const own = parseRlimits(await readFile('/proc/self/limits', 'utf8'))
  const lowered = loweredRlimits(own)
  const oomScore = oomScoreOf(await readFile('/proc/self/oom_score_adj', 'utf8'))
  const common = { rlimits: rlimitsOf(own), oomScore, notes: lowered === '' ? [] : [lowered] }
  if (process.getuid?.() === 0) {
    const maps =
      firstId === undefined ? [undefined] : [{ firstId, count: CONTAINER_IDS.count }, undefined]
    return { ...common, enter: [], overlayOptions: 'redirect_dir=on', maps }
  }
  const outer = await recallOuterNamespace(proofs)
  if (typeof outer === 'string') return `an ordinary user can't start containers here: ${outer}`
  const maps = [{ firstId: 0, count: outer.count }]
  return { ...common, enter: outer.enter, overlayOptions: 'userxattr', maps }
}

function filtersOf(
  { folder }: RuntimeSearch,
  found: Pick<
    FoundRuntime,
    'runtime' | 'enter' | 'overlayOptions' | 'rlimits' | 'oomScore' | 'idMap'
  >,
  proofs: Proofs,
): Filters {
  const { rlimits, oomScore, idMap } = found
  return new Filters({
    place: { ...found, folder: join(folder, 'trials') },
    folder: join(folder, 'filters'),
    spec: { rlimits, oomScore, ...(idMap ? { idMap } : {}) },
    proofs,
  })
}

function proofsOf({ folder, recalls = false }: RuntimeSearch): Proofs {
  return new Proofs({ folder: join(folder, 'proofs'), place: folder, recalls })
}

async function recallVersion(path: string, proofs: Proofs): Promise<string | undefined> {
  const facts = ['version', fileIdentity(path)]
  const kept = proofs.find(facts)
  if (kept !== undefined) return kept
  const version = await findVersion(path)
  if (version !== undefined) await proofs.keep(facts, version)
  return version
}

async function recallOuterNamespace(proofs: Proofs): Promise<OuterNamespace | string> {
  const facts = ['outer namespace', userInfo().username]
  const kept = proofs.find(facts)
  if (kept !== undefined) return JSON.parse(kept) as OuterNamespace
  const outer = await findOuterNamespace()
  if (typeof outer !== 'string') await proofs.keep(facts, JSON.stringify(outer))
  return outer
}
