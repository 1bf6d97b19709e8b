import { join, sep } from 'node:path'
import { readSurroundings } from './env.ts'

/**
 * Where everything is kept that must last, unless told: `.narwhal` in a checkout, or the user's data
 * folder for an installed package. `root` is the folder of the one or the other.
 */
export function defaultDataFolder(root: string): string {
  if (!root.includes(`${sep}node_modules${sep}`)) return join(root, '.narwhal')
  const { home, dataHome } = readSurroundings()
  return join(dataHome ?? join(home, '.local', 'share'), 'narwhal')
}
