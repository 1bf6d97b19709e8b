import { join, sep } from 'node:path'
import { readSurroundings } from './env.ts'

/**
 * The default folder of all persistent data: `.narwhal` in a checkout, or the user's data folder for an
 * installed package. `root` is the folder of the checkout or package.
 */
export function defaultDataFolder(root: string): string {
  if (!root.includes(`${sep}node_modules${sep}`)) return join(root, '.narwhal')
  const { home, dataHome } = readSurroundings()
  return join(dataHome ?? join(home, '.local', 'share'), 'narwhal')
}
