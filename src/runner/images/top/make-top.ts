import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type LayerForm, LayerRewriter } from '../layer/rewrite-layer.ts'
import { runProgram } from '../layer/run-program.ts'
import { type Rights, unpackCommand } from '../layer/tar-room.ts'
import { writeByTar } from '../layer/tar-writer.ts'
import type { Composition } from './compose-image.ts'

export interface TopJob {
  readonly composition: Composition
  /** The folders with the layers' files, from the bottom. */
  readonly layers: readonly string[]
  readonly form: LayerForm
  readonly rights: Rights
  readonly room: string
  /** Is made. */
  readonly folder: string
}

/** Makes the folder of an image's thin top; it may not be on disk yet when this resolves. */
export async function makeTop(job: TopJob, signal: AbortSignal): Promise<void> {
  const { composition, form, rights, room, folder } = job
  await mkdir(folder, { recursive: true })
  const encoder = new LayerRewriter(form, () => {})
  const second = composition.folders.flatMap(([path, facts]) => encoder.folderEntry(path, facts))
  const describe = () =>
    writeByTar(unpackCommand(rights, room, folder), signal, async () => ({
      second,
      result: undefined,
    }))
  await describe()
  if (composition.copies.length > 0) {
    await link(job, signal)
    // Their times have changed.
    await describe()
  }
}

/** The layer's own file, not a copy: nothing is ever written to either. */
async function link({ composition, layers, rights, folder }: TopJob, signal: AbortSignal) {
  const names = composition.copies.flatMap(({ path, layer, from }) => [
    join(layers[layer] ?? '', './'),
    from,
    join(folder, './'),
    path,
  ])
  // Names are bytes, which arguments of Node's can't be.
  const input = Buffer.concat(
    names.map((name, index) =>
      Buffer.from(index % 2 === 0 ? name : `${name}\0`, index % 2 === 0 ? 'utf8' : 'latin1'),
    ),
  )
  const ln = ['xargs', '--null', '--max-args=2', 'ln', '--physical', '--force', '--']
  await runProgram([...rights.enter, ...ln], { signal, input })
}
