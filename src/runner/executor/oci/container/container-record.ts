import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../../../../lib/parse-json.ts'
import { isOwnerAlive } from '../../../../lib/process-owner.ts'

/** As in `ProcessOwner`. */
const Owner = z.object({ pid: z.int(), startedAt: z.string(), boot: z.string() })

const Recorded = z.object({
  id: z.string().regex(/^[A-Za-z0-9_.-]+$/),
  owner: Owner,
  runtime: z.object({ name: z.enum(['crun', 'runc']), path: z.string() }),
  /** Where the runtime keeps what it knows of the container. */
  stateRoot: z.string(),
  /** Its control groups, by their folders. */
  groups: z.array(z.string()).readonly(),
  /** The workspace of its steps, in which it can have left files of users that only containers have. */
  workspace: z.string().optional(),
})

/** What a container has on this machine besides its own folder, so that another process can remove it. */
export type ContainerRecord = z.infer<typeof Recorded>

/** Whether the process that has written the record still runs, and is not this one. */
export function belongsToAnother({ owner }: ContainerRecord): boolean {
  return owner.pid !== process.pid && isOwnerAlive(owner)
}

/**
 * One file for each container, written before its first resource and removed after its last. What a file names is
 * this runner's, and no other's: the names of containers are never given twice.
 */
export class ContainerRecords {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Synchronous: a small write to the page cache, which nothing may overtake. */
  write(record: ContainerRecord): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    writeFileSync(this.#fileOf(record.id), JSON.stringify(record), { mode: 0o600 })
  }

  remove(id: string): void {
    rmSync(this.#fileOf(id), { force: true })
  }

  /** Those of previous processes. A file that was cut off is of a container that has nothing yet: it is removed. */
  async list(): Promise<readonly ContainerRecord[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const found = await Promise.all(
      names.map(async (name) => {
        const file = join(this.#folder, name)
        const text = await readFile(file, 'utf8').catch(() => '')
        const { data } = Recorded.safeParse(parseJson(text))
        if (!data) rmSync(file, { force: true })
        return data ?? []
      }),
    )
    return found.flat()
  }

  #fileOf(id: string): string {
    return join(this.#folder, `${id}.json`)
  }
}
