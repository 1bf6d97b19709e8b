import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { root } from './node.mjs'
import { main, setUp } from './setup.mjs'

/**
 * Compiles the server and the command line into `dist/`, for the package: Node runs no TypeScript
 * inside node_modules. Everything is in it but Node itself; parts that are seldom needed are files
 * of their own. An argument names another folder than `dist`.
 */
await main(async () => {
  await setUp({ ui: true })
  const { build } = await import('esbuild')
  const outdir = resolve(process.argv[2] ?? join(root, 'dist'))
  rmSync(outdir, { recursive: true, force: true })
  await build({
    absWorkingDir: root,
    entryPoints: {
      main: 'src/main.ts',
      'beat-worker': 'src/dispatcher/beat-worker.ts',
      'plan-worker': 'src/runner/plan-worker.ts',
      'watchdog-process': 'src/runner/watchdog/watchdog-process.ts',
    },
    outdir,
    bundle: true,
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    logLevel: 'warning',
    // Some dependencies are CommonJS and call require for Node's own modules; pg may use a native driver.
    external: ['pg-native'],
    banner: {
      js: "import { createRequire as $createRequire } from 'node:module'; import { fileURLToPath as $toPath } from 'node:url'; const require = $createRequire(import.meta.url); const __filename = $toPath(import.meta.url); const __dirname = $toPath(new URL('.', import.meta.url));",
    },
  })
  return 0
})
