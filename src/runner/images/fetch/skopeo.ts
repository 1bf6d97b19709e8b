import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../../../lib/exists.ts'
import { type ProgramOptions, runProgram } from '../layer/run-program.ts'
import { writeOnDisk } from '../store/store-folder.ts'
import type { FetchPlace } from '../strangers-way.ts'
import type { FetchEnv } from './fetch-env.ts'
import { fetchErrorOf } from './fetch-failure.ts'
import { isConfigured } from './own-registries.ts'

/** Everything may be fetched; the digests are checked in any case. */
const POLICY = { default: [{ type: 'insecureAcceptAnything' }] }

/** Runs skopeo, with its temporary files in the store: `/var/tmp` may have no room for an image. */
export class Skopeo {
  readonly #env: FetchEnv
  readonly #folder: string
  readonly #place: Pick<FetchPlace, 'enter' | 'resolvConf'>

  /** `folder` is for files of ours that it needs; made if it isn't there. */
  constructor(
    folder: string,
    env: FetchEnv,
    place: Pick<FetchPlace, 'enter' | 'resolvConf'> = { enter: [] },
  ) {
    this.#folder = folder
    this.#env = env
    this.#place = place
  }

  /** The same in another network. */
  inside(place: Pick<FetchPlace, 'enter' | 'resolvConf'>): Skopeo {
    return new Skopeo(this.#folder, this.#env, place)
  }

  /** Whether the operator has configured something for a registry that only skopeo knows. */
  isConfigured(host: string): Promise<boolean> {
    return isConfigured(host, this.#env)
  }

  /** Resolves to its output; rejects with its last words. */
  async run(
    args: readonly string[],
    options: Omit<ProgramOptions, 'env'> & { readonly tmp: string },
  ): Promise<string> {
    const { tmp, ...rest } = options
    await mkdir(tmp, { recursive: true, mode: 0o700 })
    const env = { ...this.#env, TMPDIR: tmp }
    const general = ['--tmpdir', tmp, ...(await this.#policy())]
    const errorOf = fetchErrorOf
    const command = [...(await this.#enter(tmp)), 'skopeo', ...general, ...args]
    return runProgram(command, { ...rest, env, errorOf })
  }

  /** The program becomes the one that is run, so that killing it ends that. */
  async #enter(tmp: string): Promise<readonly string[]> {
    const { enter, resolvConf } = this.#place
    if (enter.length === 0 || resolvConf === undefined) return enter
    const file = join(tmp, 'resolv.conf')
    await writeFile(file, resolvConf)
    const apart = ['unshare', '--mount', '--propagation', 'private', '--']
    const script = 'mount --bind -- "$1" /etc/resolv.conf; shift; exec "$@"'
    return [...enter, ...apart, '/bin/sh', '-ec', script, 'sh', file]
  }

  /** Whether the operator has a policy for images: `skopeo copy` obeys it, also where it has nothing to fetch. */
  async hasPolicy(): Promise<boolean> {
    const { HOME, XDG_CONFIG_HOME } = this.#env
    const own = XDG_CONFIG_HOME ?? (HOME && join(HOME, '.config'))
    const theirs = [...(own ? [join(own, 'containers/policy.json')] : []), SYSTEM_POLICY]
    for (const path of theirs) if (await exists(path)) return true
    return false
  }

  /** The operator's policy wherever there is one; skopeo does nothing without any. */
  async #policy(): Promise<readonly string[]> {
    if (await this.hasPolicy()) return []
    const path = join(this.#folder, 'policy.json')
    if (!(await exists(path))) {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await writeOnDisk(path, JSON.stringify(POLICY))
    }
    return ['--policy', path]
  }
}

const SYSTEM_POLICY = '/etc/containers/policy.json'
