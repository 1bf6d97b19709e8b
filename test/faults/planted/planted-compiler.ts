import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { context, type Plugin } from 'esbuild'
import { compileOptions } from '../../../scripts/compile.mjs'
import { SerialQueue } from '../../../src/lib/serial-queue.ts'
import { applyEdits, type Edit } from './edit.ts'

const root = new URL('../../../', import.meta.url).pathname.replace(/\/$/, '')
const OUTDIR = join(root, 'dist')
const OWN_SOURCES = /\/src\/.*\.ts$/

/**
 * Compiles Narwhal again and again, with other edits each time; what has none is read only once. Of the
 * edits nothing is in the sources, and no switch for them is in the product.
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
        const own = current.filter(({ file }) => file === relative(root, path))
        if (own.length === 0) return undefined
        return { contents: applyEdits(await readFile(path, 'utf8'), own), loader: 'ts' }
      })
    },
  }
  const builder = await context({ ...compileOptions(OUTDIR), write: false, plugins: [plant] })
  return {
    compile: (edits, folder) =>
      serial.run(async () => {
        current = edits
        const { outputFiles } = await builder.rebuild()
        const program = join(folder, 'dist')
        await mkdir(program)
        await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
        await Promise.all(
          outputFiles.map(({ path, contents }) =>
            writeFile(join(program, relative(OUTDIR, path)), contents),
          ),
        )
        return join(program, 'main.js')
      }),
    [Symbol.asyncDispose]: () => builder.dispose(),
  }
}
