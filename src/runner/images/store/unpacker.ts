import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { allOrNone } from '../../../lib/async/all-or-none.ts'
import { withSignal } from '../../../lib/async/with-signal.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { SharedTasks } from '../../../lib/shared-tasks.ts'
import { orNoSpace } from '../layer/no-space.ts'
import { makeRoom } from '../layer/tar-room.ts'
import type { LayerFacts } from '../layer/unpack-layer.ts'
import type { FetchedLayer } from '../layout/fetched-image.ts'
import { FileLock } from './file-lock.ts'
import { LayerThreads } from './layer-threads.ts'
import { findRecord, findTop, type TopRecord } from './records.ts'
import type { StoreFolder } from './store-folder.ts'
import { discard } from './trash.ts'
import { isThere, madeNow, type Unsettled } from './unsettled.ts'

export interface UnpackOptions {
  /** From the bottom. */
  readonly layers: readonly FetchedLayer[]
  /** See `ImageRecord`. */
  readonly chain: string
  readonly signal: AbortSignal
  readonly onProgress: (line: string) => void
}

type LayerRecord = LayerFacts & Unsettled

/** Unpacks images: each layer once, several at a time, by whichever process is first. */
export class Unpacker implements AsyncDisposable {
  readonly #folder: StoreFolder
  readonly #threads = new LayerThreads()
  readonly #layers = new SharedTasks<LayerFacts>()

  constructor(folder: StoreFolder) {
    this.#folder = folder
  }

  /** Makes the layers and the thin top of an image where they are not there; the caller has its lease. */
  async unpack({ layers, chain, signal, onProgress }: UnpackOptions): Promise<TopRecord> {
    await makeRoom(this.#folder.join('room'))
    const facts: LayerFacts[] = []
    const works = layers.map((layer, index) => async (either: AbortSignal) => {
      try {
        const made = await this.#layers.join(layer.diffId, either, (own) => this.#layer(layer, own))
        facts[index] = made
        onProgress(`layer ${index + 1} of ${layers.length} is unpacked${leftOutWords(made)}`)
      } catch (error) {
        either.throwIfAborted()
        throw inLayer(error, index, layers.length)
      }
    })
    await allOrNone(works, signal)
    return await this.#top(chain, layers, facts, signal)
  }

  /** Undefined if a layer must be unpacked: for the first time, or since more ids can be written now. */
  findLayer(diffId: string): LayerFacts | undefined {
    const facts = findRecord<LayerRecord>(join(this.#folder.layer(diffId), 'facts.json'))
    const isWhole =
      facts &&
      isThere(facts) &&
      (facts.highest.id < facts.idCount || facts.idCount >= this.#folder.form.count)
    return isWhole ? facts : undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads[Symbol.asyncDispose]()
  }

  async #layer(layer: FetchedLayer, signal: AbortSignal): Promise<LayerFacts> {
    const folder = this.#folder
    const path = folder.layer(layer.diffId)
    const { ready, ...parts } = layer
    // Before the lock: who holds it waits for nobody else.
    if (ready && !this.findLayer(layer.diffId)) await withSignal(ready, signal)
    using lock = new FileLock(folder.layerLock(layer.diffId))
    await lock.acquire(signal)
    const there = this.findLayer(layer.diffId)
    if (there) return there
    const work = await folder.newWork()
    try {
      const { form, rights } = folder
      const job = { ...parts, form, rights, room: folder.join('room'), folder: work }
      const facts = await this.#threads.unpack(job, signal)
      const record: LayerRecord = { ...facts, ...madeNow() }
      await writeFile(join(work, 'facts.json'), JSON.stringify(record), { mode: 0o600 })
      // One whose ids did not fit, and do now.
      await discard(folder, path)
      await folder.publish(work, path)
      return facts
    } catch (error) {
      await discard(folder, work)
      throw error
    }
  }

  async #top(
    chain: string,
    layers: readonly FetchedLayer[],
    facts: readonly LayerFacts[],
    signal: AbortSignal,
  ): Promise<TopRecord> {
    const folder = this.#folder
    using lock = new FileLock(folder.layerLock(chain))
    await lock.acquire(signal)
    const there = findTop(folder, chain)
    if (there && there.idCount >= Math.min(there.highest.id + 1, folder.form.count)) return there
    const work = await folder.newWork()
    try {
      await mkdir(work, { mode: 0o755 })
      const { form, rights } = folder
      const paths = layers.map(({ diffId }) => folder.layer(diffId))
      const order = { layers: paths, form, rights, room: folder.join('room'), folder: work }
      const made = await this.#threads.top(order, signal)
      const record: TopRecord = { ...made, ...summaryOf(facts), ...madeNow() }
      await writeFile(join(work, 'top.json'), JSON.stringify(record), { mode: 0o600 })
      await discard(folder, folder.top(chain))
      await folder.publish(work, folder.top(chain))
      return record
    } catch (error) {
      await discard(folder, work)
      throw orNoSpace(error)
    }
  }
}

function summaryOf(
  facts: readonly LayerFacts[],
): Pick<TopRecord, 'highest' | 'idCount' | 'isEmpty'> {
  const [first] = facts.toSorted((a, b) => b.highest.id - a.highest.id)
  return {
    highest: first?.highest ?? { id: 0, path: '' },
    idCount: Math.min(...facts.map(({ idCount }) => idCount)),
    isEmpty: facts.map(({ isEmpty }) => isEmpty),
  }
}

/** What Docker leaves out in a user namespace, too; labels are no news. */
function leftOutWords({ leftOut }: LayerFacts): string {
  return leftOut.devices > 0 ? `, without its ${leftOut.devices} device nodes` : ''
}

function inLayer(reason: unknown, index: number, count: number): NarwhalError {
  const { code, message } = NarwhalError.from(orNoSpace(reason), 'unavailable')
  return new NarwhalError(code, `layer ${index + 1} of ${count}: ${message}`, { cause: reason })
}
