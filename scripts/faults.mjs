import { modernNode, root, runForeground, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

/** `npm run faults -- --seed S --minutes M`: see test/faults/main.ts. */
await main(async () => {
  await setUp({ ui: false })
  const args = ['test/faults/main.ts', ...process.argv.slice(2)]
  return runForeground(modernNode(), args, { cwd: root, env: toolEnv() })
})
