import { access } from 'node:fs/promises'

/** Whether the path exists. */
export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
