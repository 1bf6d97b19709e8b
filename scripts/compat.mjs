import { modernNode, root, runForeground, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

/** `npm run compat`: see test/compat/main.ts. */
await main(async () => {
  await setUp({ ui: false, server: true })
  const args = ['test/compat/main.ts', ...process.argv.slice(2)]
  return runForeground(modernNode(), args, { cwd: root, env: toolEnv() })
})
