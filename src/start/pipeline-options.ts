import type { Config } from '../config/config.ts'
import type { DispatcherOptions } from '../dispatcher/dispatcher.ts'
import type { AllowedInclude } from '../dispatcher/pipelines/include-sources.ts'

type Setting =
  | 'heuristic'
  | 'job-timeout'
  | 'cleanup-timeout'
  | 'log-size'
  | 'max-attempts'
  | 'max-priority'
  | 'approval-days'

/** A dispatcher's options from the settings. */
export function pipelineOptions(
  config: Config<Setting | 'include-repositories' | 'stranger-includes'>,
): DispatcherOptions {
  return {
    heuristic: config.heuristic,
    jobTimeoutMs: config['job-timeout'],
    cleanupMs: config['cleanup-timeout'],
    logBytes: config['log-size'],
    includes: includesOf(config),
    maxAttempts: config['max-attempts'],
    maxPriority: config['max-priority'],
    approvalMs: config['approval-days'] * 86_400_000,
  }
}

/** The repositories that files may be included from, and whether strangers' files may do so too. */
function includesOf(
  config: Config<'include-repositories' | 'stranger-includes'>,
): AllowedInclude[] {
  const open = new Set(config['stranger-includes']?.map(({ name }) => name.toLowerCase()))
  const all = config['include-repositories'] ?? []
  return all.map((one) => ({ ...one, forStrangers: open.has(one.name.toLowerCase()) }))
}
