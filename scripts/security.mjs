import { modernNode, root, runForeground, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

/**
 * `npm run security`: tries every attack of test/security on real processes, and prints the catalogue:
 * its id, what was tried, held or not.
 */
await main(async () => {
  await setUp({ ui: true, server: true })
  const args = ['test/support/harness/main.ts', '--catalogue', 'test/security/']
  return runForeground(modernNode(), args, { cwd: root, env: toolEnv() })
})
