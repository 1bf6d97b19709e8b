import type { Command } from 'commander'
import { SETTINGS, variableOf } from '../../config/settings.ts'

/** Adds a setting of services as an option of a command that works without them. */
export function withSetting(command: Command, name: 'data' | 'container-ids'): Command {
  const { value, help } = SETTINGS[name]
  return command.option(`--${name} <${value}>`, `${help} [${variableOf(name)}]`)
}
