import { createHash } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
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
import { fileIdentity, libraryFacts } from './proofs/machine-facts.ts'
import type { Proofs } from './proofs/proofs.ts'
import { readTrusted } from './proofs/trusted-file.ts'
import {
  type TrialPlace,
  type TrialResult,
  type TrialSpec,
  trialFacts,
  tryContainer,
} from './trial-container.ts'

export interface FilterOptions {
  readonly place: TrialPlace
  /** Compiled filters are kept here. */
  readonly folder: string
  /** Of every container: how it is mapped, and its limits. */
  readonly spec: Omit<TrialSpec, 'rights' | 'seccomp'>
  /** Where it is kept that one was proven. */
  readonly proofs: Proofs
}

/**
 * The seccomp filters of one runtime's containers, one for each set of rights. Each is proven in a container before
 * it is used: until the next boot, or until something changes that it depends on.
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

  /** Proves all again, before the next container: one was not started, though a trial had shown that it would be. */
  async forget(): Promise<void> {
    this.#proven.clear()
    await this.#options.proofs.forget()
  }

  async #prove(rights: ContainerRights, profile: OciSeccomp, digest: string): Promise<SeccompWay> {
    const { place, folder, proofs } = this.#options
    const file = join(folder, `${keyOf(place.runtime.path, digest)}.bpf`)
    const compiled = place.runtime.name === 'crun' ? readTrusted(file) : undefined
    const plain: SeccompWay = { kind: 'profile', profile }
    const best: SeccompWay = compiled ? { kind: 'compiled', program: compiled } : plain
    if (proofs.find(this.#factsOf(rights, best)) !== undefined) return best
    const proven = await this.#tryWays(rights, { best, plain, file })
    await proofs.keep(this.#factsOf(rights, proven), '')
    return proven
  }

  async #tryWays(rights: ContainerRights, { best, plain, file }: Ways): Promise<SeccompWay> {
    if (best !== plain) {
      const works = await this.#try(rights, best).then(
        () => true,
        () => false,
      )
      if (works) return best
      await rm(file, { force: true })
    }
    const { filter } = await this.#try(rights, plain)
    // A crun that keeps no compiled filter has it compiled each time.
    if (!filter || this.#options.place.runtime.name !== 'crun') return plain
    const compiled = { kind: 'compiled', program: filter } as const
    await this.#try(rights, compiled)
    await keep(file, filter)
    return compiled
  }

  /** Rejects with `unavailable` unless a container with this filter has it. */
  async #try(rights: ContainerRights, seccomp: SeccompWay): Promise<TrialResult> {
    const { place, spec } = this.#options
    const machineKind = arch() as ElfMachine
    const calls = proofCalls(machineKind)
    const trial = { machine: machineKind, calls }
    const result = await tryContainer(place, { ...spec, rights, seccomp }, trial)
    const trouble = proofTrouble(machineKind, result.results)
    if (trouble !== '') throw new NarwhalError('unavailable', trouble)
    return result
  }

  /** Of the proof that a container with this filter has it. */
  #factsOf(rights: ContainerRights, seccomp: SeccompWay): readonly unknown[] {
    const { place, spec } = this.#options
    const { path } = place.runtime
    const trial = trialFacts(place, { ...spec, rights, seccomp })
    return ['filter', fileIdentity(path), trial, proofCalls(arch() as ElfMachine)]
  }
}

interface Ways {
  /** The compiled one, if one is kept. */
  readonly best: SeccompWay
  readonly plain: SeccompWay
  /** Where the compiled one is kept. */
  readonly file: string
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
function keyOf(runtime: string, profile: string): string {
  const files = [fileIdentity(runtime), libraryFacts()]
  return digestOf(JSON.stringify([files, release(), machine(), profile]))
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
