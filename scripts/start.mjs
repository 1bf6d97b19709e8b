import { join } from 'node:path'
import { root, runForeground } from './node.mjs'
import { main, setUp } from './setup.mjs'

/** `npm start`: a Narwhal that builds this very checkout first. */
await main(async () => {
  await setUp({ ui: true, server: true })
  const args = ['up', '--build', root, ...process.argv.slice(2)]
  return runForeground(join(root, 'narwhal'), args)
})
