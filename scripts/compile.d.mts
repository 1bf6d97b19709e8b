import type { BuildOptions } from 'esbuild'

export function compileOptions(outdir: string): BuildOptions & { outdir: string }
export function compile(outdir: string): Promise<void>
export function isCompiled(): boolean
