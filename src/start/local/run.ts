import { getCompileCacheDir } from 'node:module'
import { join } from 'node:path'
import { runCached } from '../../lib/run-cached.ts'
import type { runMain } from './run-main.ts'

/**
 * The program of a compiled `narwhal run`: it loads the one file that has all of it, `run-main.cjs` beside this
 * one. Loading it as a hundred modules, and compiling them, would take most of the time until a step begins.
 */
const { exports, keep } = runCached(join(__dirname, 'run-main.cjs'), getCompileCacheDir())
const main = exports['runMain'] as typeof runMain
// After a run that has called little, the next ones would compile the rest again and again.
void main(join(__dirname, '..')).then((hasRun) => hasRun && keep())
