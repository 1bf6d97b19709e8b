import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'

const Uses = z.record(z.string(), z.object({ score: z.number().positive(), at: z.number() }))

const HALF_LIFE_MS = 2 * 24 * 3_600_000
/** A single use is forgotten after a week. */
const FADED = 0.1
const MOST_IMAGES = 50

/** How much an image is used: one per job, halved every two days. */
export interface ImageScore {
  readonly image: string
  readonly score: number
}

/** Which images jobs have used recently, across restarts. Errors of the file are ignored: it learns again. */
export class ImageUse {
  readonly #file: string
  readonly #uses: Map<string, { score: number; at: number }>
  #saving: Promise<void> | undefined
  #isDirty = false

  private constructor(file: string, uses: z.infer<typeof Uses>) {
    this.#file = file
    this.#uses = new Map(Object.entries(uses))
  }

  static async open(file: string): Promise<ImageUse> {
    const text = await readFile(file, 'utf8').catch(() => '{}')
    return new ImageUse(file, parse(text))
  }

  /** Counts a job that uses it now (epoch milliseconds). */
  count(image: string, now = Date.now()): void {
    this.#uses.set(image, { score: this.#scoreOf(image, now) + 1, at: now })
    for (const { image: least } of this.ranking(now).slice(MOST_IMAGES)) this.#uses.delete(least)
    this.#isDirty = true
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined
    })
  }

  /** The images in use, most used first. */
  ranking(now = Date.now()): readonly ImageScore[] {
    return [...this.#uses.keys()]
      .map((image) => ({ image, score: this.#scoreOf(image, now) }))
      .filter(({ score }) => score >= FADED)
      .sort((a, b) => b.score - a.score)
  }

  /** Resolves when everything counted so far is saved, or saving has failed. */
  async saved(): Promise<void> {
    await this.#saving
  }

  #scoreOf(image: string, now: number): number {
    const use = this.#uses.get(image)
    return use ? use.score * 0.5 ** (Math.max(0, now - use.at) / HALF_LIFE_MS) : 0
  }

  async #save(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false
      const text = JSON.stringify(Object.fromEntries(this.#uses))
      const half = `${this.#file}.new`
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 })
        .then(() => writeFile(half, text))
        .then(() => rename(half, this.#file))
        .catch(() => {})
    }
  }
}

function parse(text: string): z.infer<typeof Uses> {
  try {
    return Uses.safeParse(JSON.parse(text)).data ?? {}
  } catch {
    return {}
  }
}

/** How many sandboxes to keep warm of each image: one of each, then more of the most used. */
export function shareOut(ranking: readonly ImageScore[], size: number): Map<string, number> {
  const shares = new Map(ranking.slice(0, size).map(({ image }) => [image, 1]))
  for (let left = size - shares.size; left > 0 && shares.size > 0; left--) {
    const gain = ({ image, score }: ImageScore) => score / ((shares.get(image) ?? 0) + 1)
    const best = ranking.slice(0, size).reduce((a, b) => (gain(b) > gain(a) ? b : a))
    shares.set(best.image, (shares.get(best.image) ?? 0) + 1)
  }
  return shares
}
