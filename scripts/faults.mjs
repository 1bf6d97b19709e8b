import { modernNode, root, runForeground, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

/**
 * `npm run faults -- --seed S --minutes M`: see test/faults/main.ts; with `--crash-points`, see
 * test/faults/crash-points/main.ts.
 */
await main(async () => {
  await setUp({ ui: false, server: true })
  const given = process.argv.slice(2)
  const rest = given.filter((one) => one !== '--crash-points')
  const program = rest.length < given.length ? 'crash-points/main.ts' : 'main.ts'
  const args = [`test/faults/${program}`, ...rest]
  return runForeground(modernNode(), args, { cwd: root, env: toolEnv() })
})
