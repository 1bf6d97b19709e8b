import type { z } from 'zod'
import { NarwhalError } from '../lib/errors.ts'
import { type Given, listVariables, readVariable } from './env.ts'
import { SETTINGS, type SettingName, type SettingValue, variableOf } from './settings.ts'

/** The values of the settings that a command uses; those without a default may be absent. */
export type Config<Name extends SettingName> = {
  readonly [Key in Name]: 'fallback' extends keyof (typeof SETTINGS)[Key]
    ? SettingValue<Key>
    : SettingValue<Key> | undefined
}

/** Variables with our prefix that are not settings: the client's, the tests', and those of jobs. */
const OTHER_VARIABLES =
  /^NARWHAL_(?:SERVER|TOKEN|CA|CERT|KEY|TEST_.*|REPOSITORY|PIPELINE_ID|PIPELINE_NUMBER|JOB_ID|JOB_NAME|ATTEMPT|EVENT|SHA|REF|REF_NAME|COMMIT_TITLE|COMMIT_AUTHOR|RUNNER|MATRIX_.*|INPUT_.*|ID_TOKEN_FILE_.*)$/

/**
 * Reads the settings that a command uses from its flags and from the environment. Throws `invalid`
 * listing every invalid setting, including misspelt variables.
 */
export function loadConfig<Name extends SettingName>(
  names: readonly Name[],
  flags: Readonly<Record<string, unknown>>,
): Config<Name> {
  const problems: string[] = []
  const config: Record<string, unknown> = {}
  for (const name of names) {
    const { schema, fallback }: { schema: Parser; fallback?: string } = SETTINGS[name]
    if (CREDENTIALS.includes(name) && flagOf(name, flags) !== undefined) {
      problems.push(
        `--${name} must be set by ${variableOf(name)}, or as a file by ${variableOf(name)}_FILE: every user of this machine can read flags in the process list`,
      )
      continue
    }
    const given = readSetting(name, flags, (message) => problems.push(message))
    const text = given?.text ?? fallback
    if (text === undefined) continue
    config[name] = parse(schema, { text, source: given?.source ?? name }, problems)
  }
  problems.push(...misspelt())
  if (problems.length > 0) {
    const list = problems.map((problem) => `  ${problem}`).join('\n')
    throw new NarwhalError('invalid', `invalid settings:\n${list}`)
  }
  return Object.freeze(config) as Config<Name>
}

/** Settings whose value is a credential. */
export const CREDENTIALS: readonly SettingName[] = [
  'token',
  'first-token',
  'runner-token',
  'metrics-token',
]

/**
 * Warnings about flags whose URL contains a password: every user of the machine can read the arguments of
 * its processes. A flag whose whole value is a credential is rejected by `loadConfig`.
 */
export function warnOfCredentials(
  names: readonly SettingName[],
  flags: Readonly<Record<string, unknown>>,
): string[] {
  return names.flatMap((name) => {
    const text = flagOf(name, flags)
    if (text === undefined || !URL.canParse(text) || !new URL(text).password) return []
    const variable = variableOf(name)
    return `every user of this machine can read the value of --${name} in the process list: set ${variable} or ${variable}_FILE instead`
  })
}

function flagOf(name: SettingName, flags: Readonly<Record<string, unknown>>): string | undefined {
  const flag = flags[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
  return typeof flag === 'string' ? flag : undefined
}

function readSetting(
  name: SettingName,
  flags: Readonly<Record<string, unknown>>,
  refuse: (message: string) => void,
): Given | undefined {
  const flag = flagOf(name, flags)
  if (flag !== undefined) return { text: flag, source: `--${name}` }
  return readVariable(variableOf(name), refuse)
}

function parse(schema: Parser, given: Given, problems: string[]): unknown {
  const result = schema.safeParse(given.text)
  if (result.success) return result.data
  const words = result.error.issues.map((issue) => issue.message).join(', ')
  const secret = /token|database|broker/i.test(given.source)
  problems.push(`${given.source}${secret ? '' : `=${given.text}`} ${words}`)
  return undefined
}

type Parser = z.ZodType<unknown, string>

function misspelt(): string[] {
  const known = new Set((Object.keys(SETTINGS) as SettingName[]).map(variableOf))
  return listVariables()
    .filter((name) => !known.has(name.replace(/_FILE$/, '')) && !OTHER_VARIABLES.test(name))
    .map((name) => `${name} is not a setting: see \`narwhal up --help\` for the list`)
}
