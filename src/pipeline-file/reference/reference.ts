import type { z } from 'zod'
import { cloneMapping } from '../schema/clone.ts'
import { concurrencyMapping } from '../schema/concurrency.ts'
import { defaults, jobsFile } from '../schema/file.ts'
import { idToken } from '../schema/id-tokens.ts'
import { includedFile } from '../schema/include.ts'
import { input } from '../schema/inputs.ts'
import { job, needMapping } from '../schema/job.ts'
import { jobRetryMapping, resources } from '../schema/limits.ts'
import { matrix } from '../schema/matrix.ts'
import { readyMapping, serviceMapping } from '../schema/services.ts'
import { stepMapping } from '../schema/step.ts'
import { template } from '../schema/templates.ts'
import { conditions } from '../schema/when.ts'

/** The sections of the page: a title, the keys, and where they belong. */
export const referenceSections: readonly (readonly [string, z.ZodObject, string])[] = [
  [
    'The file',
    jobsFile,
    'A file without `jobs` is a single job: it has `name`, `inputs`, and the keys of a job except `needs`.',
  ],
  ['A job', job, 'Its name is its key under `jobs`.'],
  ['A step', stepMapping, 'A step that is just a string is its `command`.'],
  ['services', serviceMapping, "A service's key under `services` is its name and its host name."],
  ['ready', readyMapping, 'Of a service; just a string is the `command`.'],
  [
    'id_tokens',
    idToken,
    "A token's key under `id_tokens` is the name of its variable. See [id tokens](id-tokens.md).",
  ],
  [
    'when',
    conditions,
    'At the top, of a job, or of a step; in a list, one of the mappings must hold.',
  ],
  ['needs', needMapping, 'A need that is just a string is the `job`.'],
  ['matrix', matrix, 'Every other key is an axis: a list of strings, numbers, `true` or `false`.'],
  ['include', includedFile, 'The keys of an included file.'],
  ['templates', template, 'The key under `templates` is the name of the template.'],
  ['inputs', input, 'The key under `inputs` is the name of the input.'],
  ['defaults', defaults, 'At the top, next to `jobs`.'],
  ['clone', cloneMapping, 'Of a job; or just `none`.'],
  ['concurrency', concurrencyMapping, 'Of a job or at the top; just a string is the `group`.'],
  [
    'retry',
    jobRetryMapping,
    'Of a job; just a number is the `count`. Of a step it is always a number.',
  ],
  ['resources', resources, 'Of a job, or in `defaults`.'],
]

/** The manual's reference of all keys as Markdown, generated from the parser's schema. */
export function referencePage(): string {
  const intro = [
    '# All keys of narwhal.yml',
    '',
    'Every key with its meaning and an example. [narwhal.yml](narwhal-yml.md) explains how they are used.',
    "This page is generated from the parser's schema by `narwhal schema --markdown`.",
  ]
  return `${[...intro, ...referenceSections.flatMap(section)].join('\n')}\n`
}

function section([title, { shape }, words]: (typeof referenceSections)[number]): string[] {
  const rows = Object.entries(shape).map(([name, schema]) => row(name, schema as z.ZodType))
  return ['', `## ${title}`, '', words, '', '| key | meaning | example |', '|---|---|---|', ...rows]
}

function row(name: string, schema: z.ZodType): string {
  const { description = '', examples = [] } = schema.meta() ?? {}
  const isRequired = !schema.safeParse(undefined).success
  const words = `${description}${isRequired ? ' Required.' : ''}`
  const shown = (examples as string[]).map((one) => `\`${one}\``).join('<br>')
  return `| \`${name}\` | ${words} | ${shown} |`
}
