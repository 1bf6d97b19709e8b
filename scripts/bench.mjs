import { modernNode, root, runForeground, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

/** `npm run bench -- NAME …`: see bench/main.ts. */
await main(async () => {
  await setUp({ ui: false })
  const args = ['bench/main.ts', ...process.argv.slice(2)]
  return runForeground(modernNode(), args, { cwd: root, env: toolEnv() })
})
