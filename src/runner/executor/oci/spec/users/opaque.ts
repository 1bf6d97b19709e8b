import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

const MARKS = ['trusted.overlay.opaque', 'user.overlay.opaque']
const TIMEOUT_MS = 10_000

/**
 * Whether a folder of a layer hides what the layers below have in it. Node can't read extended attributes, so
 * GNU tar, which unpacked them, is asked for the header of an archive of the empty folder.
 */
export async function isOpaque(folder: string): Promise<boolean> {
  const wanted = MARKS.map((mark) => `--xattrs-include=${mark}`)
  const args = ['--xattrs', ...wanted, '--no-recursion', '--numeric-owner', '-cf', '-', '.']
  const options = { cwd: folder, timeout: TIMEOUT_MS, encoding: 'latin1' } as const
  const { stdout } = await run('tar', args, options)
  return MARKS.some((mark) => stdout.includes(`SCHILY.xattr.${mark}=y`))
}
