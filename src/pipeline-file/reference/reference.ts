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

/** What the page tells of, part by part: a title, the keys, and where they stand. */
export const referenceSections: readonly (readonly [string, z.ZodObject, string])[] = [
  [
    'The file',
    jobsFile,
    'A file without `jobs` is one job: it has `name`, `inputs`, and the keys of a job but `needs`.',
  ],
  ['A job', job, 'Its name is its key under `jobs`.'],
  ['A step', stepMapping, 'A step that is only a text is its `command`.'],
  ['services', serviceMapping, 'The name of a service is its key under `services`: a host name.'],
  ['ready', readyMapping, 'Of a service; one that is only a text is the `command`.'],
  [
    'id_tokens',
    idToken,
    'The name of a token is its key under `id_tokens`: a variable. See [id tokens](id-tokens.md).',
  ],
  ['when', conditions, 'At the top, of a job, or of a step; also a list, of which one must hold.'],
  ['needs', needMapping, 'A need that is only a text is the `job`.'],
  ['matrix', matrix, 'Every other key is an axis: a list of texts, numbers, `true` or `false`.'],
  ['include', includedFile, 'What an included file may have.'],
  ['templates', template, 'The name of a template is its key under `templates`.'],
  ['inputs', input, 'The name of an input is its key under `inputs`.'],
  ['defaults', defaults, 'Beside `jobs`.'],
  ['clone', cloneMapping, 'Of a job; also only `none`.'],
  ['concurrency', concurrencyMapping, 'Of a job or at the top; only a text is the `group`.'],
  ['retry', jobRetryMapping, 'Of a job; only a number is the `count`. Of a step it is a number.'],
  ['resources', resources, 'Of a job, or in `defaults`.'],
]

/** The manual's page of all keys, made of what the parser uses; Markdown. */
export function referencePage(): string {
  const intro = [
    '# All keys of narwhal.yml',
    '',
    'Made of what the parser uses, by `narwhal schema --markdown`. What they are good for is told, with',
    'examples, in [narwhal.yml](narwhal-yml.md).',
  ]
  return `${[...intro, ...referenceSections.flatMap(section)].join('\n')}\n`
}

function section([title, { shape }, words]: (typeof referenceSections)[number]): string[] {
  const rows = Object.entries(shape).map(([name, schema]) => row(name, schema as z.ZodType))
  return ['', `## ${title}`, '', words, '', '| key | meaning | such as |', '|---|---|---|', ...rows]
}

function row(name: string, schema: z.ZodType): string {
  const { description = '', examples = [] } = schema.meta() ?? {}
  const isRequired = !schema.safeParse(undefined).success
  const words = `${description}${isRequired ? ' Required.' : ''}`
  const shown = (examples as string[]).map((one) => `\`${one}\``).join('<br>')
  return `| \`${name}\` | ${words} | ${shown} |`
}
