import { modernNode, root, runForeground, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

/** `npm run screenshots`: see test/support/pages/screenshots.ts. */
await main(async () => {
  await setUp({ ui: true })
  const args = ['test/support/pages/screenshots.ts', ...process.argv.slice(2)]
  return runForeground(modernNode(), args, { cwd: root, env: toolEnv() })
})
