import type { BuildOptions } from 'esbuild'

type CompileOptions = Omit<BuildOptions, 'entryPoints'> & {
  readonly entryPoints: Readonly<Record<string, string>>
}

export function compileOptions(outdir: string): CompileOptions
export function compileRunOptions(outdir: string): CompileOptions
export function compile(outdir: string): Promise<void>
export function isCompiled(): boolean
