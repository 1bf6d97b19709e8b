import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { compile } from './compile.mjs'
import { root } from './node.mjs'
import { main, setUp } from './setup.mjs'

/**
 * Compiles the server and the command line into `dist/`, for the package: Node runs no TypeScript
 * inside node_modules. An argument names another folder than `dist`.
 */
await main(async () => {
  await setUp({ ui: true })
  const outdir = resolve(process.argv[2] ?? join(root, 'dist'))
  rmSync(outdir, { recursive: true, force: true })
  await compile(outdir)
  return 0
})
