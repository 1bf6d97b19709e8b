import { createHash } from 'node:crypto'
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { arch, machine, release } from 'node:os'
import { join } from 'node:path'
import { NarwhalError } from '../../../../lib/errors.ts'
import { newId } from '../../../../lib/new-id.ts'
import type { ElfMachine } from '../../elf-program.ts'
import type { ContainerRights } from '../spec/capabilities.ts'
import type { OciSeccomp } from '../spec/oci-json.ts'
import type { SeccompWay } from '../spec/oci-wanted.ts'
import { seccompProfile } from '../spec/seccomp/seccomp-profile.ts'
import { proofCalls, proofTrouble } from './call-proof.ts'
import { type TrialPlace, type TrialSpec, tryContainer } from './trial-container.ts'

/** Where libseccomp is in the usual distributions. */
const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/lib64',
  '/lib',
].map((folder) => `${folder}/libseccomp.so.2`)

export interface FilterOptions {
  readonly place: TrialPlace
  /** Compiled filters are kept here. */
  readonly folder: string
  /** Of every container: how it is mapped, and its limits. */
  readonly spec: Omit<TrialSpec, 'rights' | 'seccomp'>
}

/**
 * The seccomp filters of one runtime's containers, one for each set of rights. Each is proven once in this
 * process, in a container, before it is used.
 *
 * crun compiles a profile for every container, which takes longer than all else; so what it has compiled is
 * kept, by everything that decides its content.
 */
export class Filters {
  readonly #options: FilterOptions
  readonly #proven = new Map<string, Promise<SeccompWay>>()

  constructor(options: FilterOptions) {
    this.#options = options
  }

  /** Rejects with `unavailable` if there is no filter for this machine, or a container does not have it. */
  async for(rights: ContainerRights): Promise<SeccompWay> {
    const wanted = { rights, architecture: arch(), kernel: release() }
    const profile = seccompProfile(wanted)
    if (!profile || !isKnown(arch())) {
      const words = `there is no system call filter for this processor (${arch()})`
      throw new NarwhalError('unavailable', words)
    }
    const digest = digestOf(JSON.stringify(profile))
    const way = this.#proven.get(digest) ?? this.#prove(rights, profile, digest)
    this.#proven.set(digest, way)
    // What fails once, such as on a full disk, is tried again by the next container.
    way.catch(() => this.#proven.delete(digest))
    return await way
  }

  async #prove(rights: ContainerRights, profile: OciSeccomp, digest: string): Promise<SeccompWay> {
    const { runtime } = this.#options.place
    if (runtime.name !== 'crun') {
      const plain = { kind: 'profile', profile } as const
      await this.#try(rights, plain)
      return plain
    }
    const file = join(this.#options.folder, `${await keyOf(runtime.path, digest)}.bpf`)
    const kept = await readFile(file).catch(() => undefined)
    if (kept) {
      const way = { kind: 'compiled', program: kept } as const
      const works = await this.#try(rights, way).then(
        () => true,
        () => false,
      )
      if (works) return way
      await rm(file, { force: true })
    }
    return await this.#compile(rights, profile, file)
  }

  async #compile(rights: ContainerRights, profile: OciSeccomp, file: string): Promise<SeccompWay> {
    const plain = { kind: 'profile', profile } as const
    const { filter } = await this.#try(rights, plain)
    // A crun that keeps no compiled filter has it compiled each time.
    if (!filter) return plain
    const compiled = { kind: 'compiled', program: filter } as const
    await this.#try(rights, compiled)
    await keep(file, filter)
    return compiled
  }

  /** Rejects with `unavailable` unless a container with this filter has it. */
  async #try(rights: ContainerRights, seccomp: SeccompWay) {
    const { place, spec } = this.#options
    const machineKind = arch() as ElfMachine
    const calls = proofCalls(machineKind)
    const trial = { machine: machineKind, calls }
    const result = await tryContainer(place, { ...spec, rights, seccomp }, trial)
    const trouble = proofTrouble(machineKind, result.results)
    if (trouble !== '') throw new NarwhalError('unavailable', trouble)
    return result
  }
}

function isKnown(architecture: string): architecture is ElfMachine {
  return architecture === 'x64' || architecture === 'arm64'
}

/** Whole or not at all, also if the machine stops. */
async function keep(file: string, filter: Uint8Array): Promise<void> {
  const draft = `${file}.${newId('draft')}`
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  await writeFile(draft, filter, { mode: 0o600, flush: true })
  await rename(draft, file)
}

/** The runtime and libseccomp by their files: an update replaces them. */
async function keyOf(runtime: string, profile: string): Promise<string> {
  const files = await Promise.all([runtime, ...LIBRARIES].map(identityOf))
  return digestOf(JSON.stringify([files, release(), machine(), profile]))
}

async function identityOf(path: string): Promise<readonly unknown[]> {
  try {
    const real = await realpath(path)
    const { size, mtimeMs, ino } = await stat(real)
    return [real, size, mtimeMs, ino]
  } catch {
    return []
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
