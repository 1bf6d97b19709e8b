import { modernNode, root, runForeground, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

/** `npm test`: see test/support/harness/main.ts. */
await main(async () => {
  await setUp({ ui: true, server: true })
  const args = ['test/support/harness/main.ts', ...process.argv.slice(2)]
  return runForeground(modernNode(), args, { cwd: root, env: toolEnv() })
})
