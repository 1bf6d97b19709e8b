import type { ImageReference } from '../../core/image-reference.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { SharedTasks } from '../../lib/shared-tasks.ts'
import type { FetchEnv } from './fetch/fetch-env.ts'
import { type FetchImage, fetchImage } from './fetch/fetch-image.ts'
import { findJobLogin, findOperatorLogin } from './fetch/find-login.ts'
import { type Login, loginKey } from './fetch/login.ts'
import { Registry } from './fetch/registry.ts'
import { placeOf } from './fetch/registry-place.ts'
import { PATIENCE, type Patience } from './fetch/retrying.ts'
import type { Skopeo } from './fetch/skopeo.ts'
import type { HeldImage } from './held-image.ts'
import type { HoldOptions, Images } from './images.ts'
import type { ImageStore } from './store/image-store.ts'
import type { NameRecord } from './store/records.ts'
import type { StrangersWay } from './strangers-way.ts'

export interface RegistryImagesOptions {
  readonly store: ImageStore
  readonly skopeo: Skopeo
  /** The operator's variables, where logins are found. */
  readonly env: FetchEnv
  /** How much all images may take before those that were used longest ago are removed. */
  readonly mostBytes: number
  /** How images are fetched for strangers' jobs; absent: as for all others. */
  readonly strangers?: StrangersWay
  /** The usual one by default. */
  readonly patience?: Patience
}

/** For how long somebody who was allowed to read an image is not asked again. */
const PROVEN_MS = 10 * 60_000
/** A helper may need a tenth of a second for the operator's login. */
const LOGIN_MS = 30_000
/** What is pulled and pruned at the same time is pulled again, but not for ever. */
const MOST_TRIES = 3

type FetchTools = Pick<FetchImage, 'registry' | 'skopeo'>

interface Asker extends Omit<HoldOptions, 'login'> {
  readonly login: Login | undefined
  /** Whether that is the job's own, and not the operator's. */
  readonly isOwnLogin: boolean
}

/**
 * Images from registries, over a store. What was fetched with a login is only for those who may read it, also
 * when it is there already; what was fetched without one, or imported, is for everybody. A stranger's job has
 * no login but its own.
 */
export class RegistryImages implements Images {
  readonly #options: RegistryImagesOptions
  readonly #registry: Registry
  readonly #pulls = new SharedTasks<void>()
  /** What pulls have brought, kept until all who waited for it hold it themselves. */
  readonly #arrivals = new Map<string, { waiting: number; kept: HeldImage | undefined }>()
  /** Until when each login may read each image. */
  readonly #proven = new Map<string, number>()
  /** The operator's, by repository. */
  readonly #logins = new Map<
    string,
    { readonly login: Login | undefined; readonly until: number }
  >()

  constructor(options: RegistryImagesOptions) {
    this.#options = options
    this.#registry = new Registry(options.skopeo, options.store.folder)
  }

  find(reference: string): Promise<string | undefined> {
    return this.#options.store.find(reference)
  }

  async hold(image: ImageReference, ask: HoldOptions): Promise<HeldImage> {
    const { store } = this.#options
    const { full } = image
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const record = store.findName(full)
      if (record?.isPublic && ask.pull !== 'always') {
        const held = await store.holdPresent(full, ask.signal)
        if (held) return held
      }
      const asker = { ...ask, ...(await this.#loginOf(image, ask)) }
      const isCurrent = record !== undefined && (await this.#mayUse(record, image, asker))
      const held = isCurrent ? await store.holdPresent(full, ask.signal) : undefined
      if (held) return held
      if (record?.isImported) throw isElsewhere(full)
      if (ask.pull === 'never') throw isAbsent(full)
      const pulled = await this.#pull(image, asker)
      if (pulled) return pulled
    }
    throw new NarwhalError('unavailable', `image ${full} is removed as often as it is pulled`)
  }

  /**
   * Whether the image in the store is the one to use. If this asker may not read it, pulling it fails in the
   * same way as for one that is not here.
   */
  async #mayUse(record: NameRecord, image: ImageReference, asker: Asker): Promise<boolean> {
    if (record.isImported) return true
    const isAsked = asker.pull === 'always' && !image.version.includes(':')
    if (!isAsked && (record.isPublic || this.#isProven(record, asker))) return true
    if (asker.pull === 'never') throw isAbsent(image.full)
    const { login, signal } = asker
    const version = isAsked ? image.version : record.digest
    const place = { ...placeOf(image), version }
    const ask = { place, login, signal, isStranger: asker.isStranger }
    const found = await this.#within(image, asker, ({ registry }) => registry.find(ask))
    if (found.kind === 'found') {
      this.#prove(record, asker)
      return !isAsked || [record.digest, record.indexDigest].includes(found.digest)
    }
    const isOurs = record.isPublic || this.#isProven(record, asker)
    if (isOurs && (found.kind === 'limited' || found.kind === 'unclear')) {
      const why = found.kind === 'limited' ? 'limits requests' : 'gives no answer'
      asker.onProgress?.(
        `the registry ${why}: using ${image.full} as it is here (${record.digest})`,
      )
      return true
    }
    if (found.kind === 'denied' || found.kind === 'unknown') return false
    throw NarwhalError.from(this.#registry.errorOf(found, image.full), 'unavailable')
  }

  /** Holds it as well: between a pull and a hold, a prune would come. */
  async #pull(image: ImageReference, asker: Asker): Promise<HeldImage | undefined> {
    const { store } = this.#options
    const { signal, isStranger = false } = asker
    const key = [image.full, loginKey(asker.login), isStranger].join(' ')
    const arrival = this.#arrivals.get(key) ?? { waiting: 0, kept: undefined }
    this.#arrivals.set(key, arrival)
    const pull = async (own: AbortSignal, onProgress: (line: string) => void) => {
      onProgress(`pulling ${image.full}`)
      const { login, isOwnLogin } = asker
      const { patience = PATIENCE } = this.#options
      const onAdded = async () => {
        await arrival.kept?.[Symbol.asyncDispose]()
        arrival.kept = await store.holdPresent(image.full, own)
      }
      const ask = { image, login, isOwnLogin, isStranger, signal: own }
      const fetch = { ...ask, onProgress, onAdded, patience }
      await this.#within(image, asker, (tools) => fetchImage({ ...fetch, ...tools, store }))
      const record = store.findName(image.full)
      if (record) this.#prove(record, asker)
      store.pruneLater(this.#options.mostBytes)
    }
    arrival.waiting += 1
    try {
      await this.#pulls.join(key, signal, pull, asker.onProgress)
      return await store.holdPresent(image.full, signal)
    } finally {
      arrival.waiting -= 1
      if (arrival.waiting === 0) {
        if (this.#arrivals.get(key) === arrival) this.#arrivals.delete(key)
        await arrival.kept?.[Symbol.asyncDispose]()
        arrival.kept = undefined
      }
    }
  }

  /** Runs something with what asks the registry; for a stranger's job, from a network of strangers' jobs. */
  async #within<Result>(
    image: ImageReference,
    { isStranger = false }: Pick<HoldOptions, 'isStranger'>,
    run: (tools: FetchTools) => Promise<Result>,
  ): Promise<Result> {
    const { strangers, skopeo, store } = this.#options
    const isPlain = !isStranger || !strangers || (await strangers.admit(image)) === 'opened'
    if (isPlain) return await run({ registry: this.#registry, skopeo })
    await using place = await strangers.connect()
    const inside = skopeo.inside(place)
    const hosts = ANY_HOSTS.atMost('public')
    return await run({ registry: new Registry(inside, store.folder, hosts), skopeo: inside })
  }

  /** Its own; or that of the operator, if the code is of the repository's own people. */
  async #loginOf(
    image: ImageReference,
    ask: HoldOptions,
  ): Promise<Pick<Asker, 'login' | 'isOwnLogin'>> {
    const { repository } = placeOf(image)
    const own = ask.login === undefined ? undefined : await findJobLogin(ask.login, repository)
    if (own) return { login: own, isOwnLogin: true }
    const login = ask.isStranger ? undefined : await this.#operatorLogin(repository, ask)
    return { login, isOwnLogin: false }
  }

  async #operatorLogin(
    repository: string,
    ask: Pick<HoldOptions, 'signal'>,
  ): Promise<Login | undefined> {
    const { env } = this.#options
    const known = this.#logins.get(repository)
    if (known && known.until > performance.now()) return known.login
    const login = await findOperatorLogin(repository, env, ask.signal)
    this.#logins.set(repository, { login, until: performance.now() + LOGIN_MS })
    return login
  }

  #isProven(record: NameRecord, { login }: Asker): boolean {
    const until = this.#proven.get(proofKey(record, login)) ?? 0
    return until > performance.now()
  }

  #prove(record: NameRecord, { login }: Asker): void {
    const now = performance.now()
    for (const [key, until] of this.#proven) if (until < now) this.#proven.delete(key)
    this.#proven.set(proofKey(record, login), now + PROVEN_MS)
  }
}

function proofKey({ reference, digest }: NameRecord, login: Login | undefined): string {
  return `${reference} ${digest} ${loginKey(login)}`
}

/** No registry has it. */
function isElsewhere(reference: string): NarwhalError {
  const words = `image ${reference} was imported for containers with other ids on this machine: import it again, with the runner's --container-ids`
  return new NarwhalError('not_found', words)
}

function isAbsent(reference: string): NarwhalError {
  const words = `image ${reference} is not on this machine, and pulling it is switched off`
  return new NarwhalError('not_found', words)
}
