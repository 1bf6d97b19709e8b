import { resolve } from 'node:path'
import { modernNode, root, runForeground, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

/** Keeps the services of the tests running for tests run by hand: see test/support/services/serve.ts. */
await main(async () => {
  await setUp({ ui: false })
  const args = process.argv.slice(2).map((file) => resolve(file))
  return runForeground(modernNode(), ['test/support/services/serve.ts', ...args], {
    cwd: root,
    env: toolEnv(),
  })
})
