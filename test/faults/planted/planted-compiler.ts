import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Plugin } from 'esbuild'
import { SerialQueue } from '../../../src/lib/async/serial-queue.ts'
import { checkout, openNarwhalCompiler } from '../compile-narwhal.ts'
import { applyEdits, type Edit } from './edit.ts'

const OWN_SOURCES = /\/src\/.*\.ts$/

/**
 * Compiles Narwhal with other edits each time. Of those nothing is in the sources, and no switch for
 * them is in the product.
 */
export interface PlantedCompiler extends AsyncDisposable {
  /** Writes an installation into the folder, and resolves to the path of its program. */
  compile(edits: readonly Edit[], folder: string): Promise<string>
}

export async function openPlantedCompiler(): Promise<PlantedCompiler> {
  const serial = new SerialQueue()
  let current: readonly Edit[] = []
  const plant: Plugin = {
    name: 'plant',
    setup: (build) => {
      build.onLoad({ filter: OWN_SOURCES }, async ({ path }) => {
        const own = current.filter(({ file }) => file === relative(checkout, path))
        if (own.length === 0) return undefined
        return { contents: applyEdits(await readFile(path, 'utf8'), own), loader: 'ts' }
      })
    },
  }
  const compiler = await openNarwhalCompiler({ plugins: [plant] })
  return {
    compile: (edits, folder) =>
      serial.run(async () => {
        current = edits
        return join(await compiler.compile(folder), 'main.js')
      }),
    [Symbol.asyncDispose]: () => compiler[Symbol.asyncDispose](),
  }
}
