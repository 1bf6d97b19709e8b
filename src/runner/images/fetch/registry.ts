import { rm, writeFile } from 'node:fs/promises'
import { NarwhalError } from '../../../lib/errors.ts'
import { ANY_HOSTS, type Hosts } from '../../../lib/reach/hosts.ts'
import { sha256 } from '../layout/manifest.ts'
import type { StoreFolder } from '../store/store-folder.ts'
import { discard } from '../store/trash.ts'
import { failureOf, notReadable } from './fetch-failure.ts'
import { type DigestAnswer, findDigest } from './find-digest.ts'
import { fileOf, type Login } from './login.ts'
import { type RegistryPlace, transportOf } from './registry-place.ts'
import { Limited } from './retrying.ts'
import type { Skopeo } from './skopeo.ts'

export interface AskRegistry {
  readonly place: RegistryPlace
  readonly login: Login | undefined
  readonly isStranger?: boolean | undefined
  readonly signal: AbortSignal
}

/** With a prefix as for `tlsOptions`. */
type LoginOptions = (prefix: string) => readonly string[]

/** Which image a name or a digest means now, and whether somebody may read it. */
export class Registry {
  readonly #skopeo: Skopeo
  readonly #folder: StoreFolder

  readonly #hosts: Hosts

  /** `hosts`: where it may be; anywhere by default. */
  constructor(skopeo: Skopeo, folder: StoreFolder, hosts: Hosts = ANY_HOSTS) {
    this.#skopeo = skopeo
    this.#folder = folder
    this.#hosts = hosts
  }

  async find(ask: AskRegistry): Promise<DigestAnswer> {
    const { isStranger = false, ...rest } = ask
    if (await this.#skopeo.isConfigured(ask.place.host)) return await this.#findBySkopeo(ask)
    const found = await findDigest({ ...rest, hosts: this.#hosts, isStranger })
    return found.kind === 'unclear' ? await this.#findBySkopeo(ask) : found
  }

  /** The error for an answer that names no image. */
  errorOf(answer: Exclude<DigestAnswer, { kind: 'found' }>, reference: string): Error {
    if (answer.kind === 'limited') return new Limited(answer.retryAfterMs)
    if (answer.kind !== 'unclear') return notReadable(reference)
    return new NarwhalError('unavailable', `its registry gives no answer: ${answer.why ?? ''}`)
  }

  /**
   * Runs something with the options by which skopeo logs in with this login and no other, at an image that it reads
   * (`prefix` '' or 'src-'). A file that has it is removed then. Without a login that has to be said: next to a file
   * that is named, and has none, skopeo reads all those of the operator.
   */
  async withLogin<Result>(
    { login, place }: Pick<AskRegistry, 'login' | 'place'>,
    run: (options: LoginOptions) => Promise<Result>,
  ): Promise<Result> {
    if (!login) return await run((prefix) => [`--${prefix}no-creds`])
    const file = await this.#folder.newWork()
    try {
      const host = place.repository.split('/')[0] ?? ''
      await writeFile(file, fileOf(login, host), { mode: 0o600, flag: 'wx' })
      return await run((prefix) => [`--${prefix}authfile`, file])
    } finally {
      await rm(file, { force: true })
    }
  }

  /** It knows mirrors, authorities and ways to log in that we don't; but it costs a pull. */
  async #findBySkopeo(ask: AskRegistry): Promise<DigestAnswer> {
    const { place, signal } = ask
    const tmp = await this.#folder.newWork()
    try {
      const json = await this.withLogin(ask, (loginOptions) => {
        const options = ['--raw', ...loginOptions(''), ...tlsOptions(place)]
        const what = transportOf(place, place.version)
        return this.#skopeo.run(['inspect', ...options, what], { signal, tmp })
      })
      return { kind: 'found', digest: sha256(json) }
    } catch (error) {
      signal.throwIfAborted()
      const failure = failureOf(error)
      if (failure === 'denied') return { kind: 'denied' }
      if (failure === 'limited') return { kind: 'limited', retryAfterMs: undefined }
      return { kind: 'unclear', why: NarwhalError.from(error).message }
    } finally {
      await discard(this.#folder, tmp)
    }
  }
}

/** Engines ask for no certificate on loopback, either. */
export function tlsOptions({ isLoopback }: RegistryPlace, prefix = ''): string[] {
  return isLoopback ? [`--${prefix}tls-verify=false`] : []
}
