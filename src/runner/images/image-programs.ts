import { findProgram } from '../../lib/programs/machine-programs.ts'

/** A program of this machine that images need; the package of Debian has the same name. */
export interface ImageProgram {
  readonly name: string
  /** What it does, after its name. */
  readonly use: string
  readonly isNeeded: boolean
}

const PROGRAMS: readonly ImageProgram[] = [
  { name: 'skopeo', use: 'fetches images', isNeeded: true },
  { name: 'tar', use: 'unpacks them (GNU tar)', isNeeded: true },
  { name: 'zstd', use: 'unpacks some images that are compressed with it', isNeeded: false },
]

/** With their paths; undefined for what is not installed. */
export async function findImagePrograms(): Promise<
  readonly (ImageProgram & { readonly path: string | undefined })[]
> {
  return await Promise.all(
    PROGRAMS.map(async (one) => ({ ...one, path: await findProgram(one.name) })),
  )
}

/** A sentence: that it is missing, and the command that installs it. */
export function missingProgram({ name, use }: ImageProgram): string {
  return `${name}, which ${use}, is not installed: apt-get install ${name}`
}
