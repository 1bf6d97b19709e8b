import { z } from 'zod'
import { EVENT_KINDS } from '../../core/commit-event.ts'
import { ALL_ACTIONS } from '../../core/event-actions.ts'
import { readExpression } from '../../core/expression/read-expression.ts'
import { namesIn } from '../../core/expression/syntax.ts'
import { LONGEST_GLOB } from '../../core/plan/glob.ts'
import { outputNamed } from '../../core/plan/outputs.ts'
import { suggestKey } from '../../lib/suggest-key.ts'
import { must, quote } from '../words.ts'
import { group } from './parts/group.ts'
import { key } from './parts/key.ts'

const STATUSES = ['success', 'failure', 'always'] as const

/** The names in expressions, besides `inputs.…`, `matrix.…`, `params.…` and `needs.JOB.outputs.…`. */
export const EXPRESSION_NAMES = {
  event:
    'what started the pipeline: `push`, `pull_request`, `tag`, `merge_group`, `release` or `manual`',
  action: 'what happened, such as `opened` or `labeled`; empty for events without actions',
  branch:
    'the branch that was pushed to, or the target branch of a pull request or a merge group; otherwise empty',
  tag: "the tag's name; otherwise empty",
  ref: 'the full ref, such as `refs/heads/main`',
  sha: "the commit's full id",
  repository: "the repository's name",
  title: 'the first line of the commit message, or the title of the pull request',
  author: "the author's name",
  labels: 'the names of the labels of a pull request; otherwise empty',
  draft: 'whether it is a pull request that is a draft',
  milestone: 'the title of the milestone of a pull request; empty if there is none',
  merged: 'whether the pull request was closed by merging it',
  added_labels: 'the labels that were added, when the action is `labeled`',
  removed_labels: 'the labels that were removed, when the action is `unlabeled`',
  former_branch:
    'the target branch before, when it was changed, which is one case of `edited`; otherwise empty',
  stranger:
    'whether the commit is a stranger’s: not known to be by the repository’s own people, such as a pull request from a fork',
  from_fork: 'another name for `stranger`',
} as const
export type ExpressionName = keyof typeof EXPRESSION_NAMES

const event = z.enum(EVENT_KINDS, { error: `must be one of ${EVENT_KINDS.join(', ')}` })
/** What other systems call actions, and what people try. */
const INSTEAD: Readonly<Record<string, string>> = {
  open: 'opened',
  created: 'opened',
  synchronize: 'synchronized',
  sync: 'synchronized',
  update: 'synchronized',
  updated: 'synchronized',
  reopen: 'reopened',
  close: 'closed',
  merge: 'closed, with merged: true',
  merged: 'closed, with merged: true',
  label: 'labeled',
  labelled: 'labeled',
  label_updated: 'labeled or unlabeled',
  unlabel: 'unlabeled',
  unlabelled: 'unlabeled',
  label_cleared: 'unlabeled',
  edit: 'edited',
  ready: 'ready_for_review',
  draft: 'converted_to_draft',
  released: 'published',
}

const action = z.enum(ALL_ACTIONS, {
  error: ({ input }) => {
    const instead = typeof input === 'string' && Object.hasOwn(INSTEAD, input) && INSTEAD[input]
    return instead ? `must be ${instead}` : `must be one of ${ALL_ACTIONS.join(', ')}`
  },
})
const glob = z
  .string()
  .regex(/^!?[^!]/, 'must not be empty')
  .max(LONGEST_GLOB)

const globs = z.union([glob, z.array(glob).min(1).max(100)], {
  error: must('a pattern or a list of them'),
})

const expression = z.string().refine((text) => explain(text) === undefined, {
  error: ({ input }) => explain(String(input)) ?? '',
})

/** What is wrong with an expression by itself, if anything. */
function explain(text: string): string | undefined {
  const read = readExpression(text)
  if (!read.ok) return `${read.message} (at character ${read.at + 1})`
  const names = Object.keys(EXPRESSION_NAMES)
  for (const { name, at } of namesIn(read.expression)) {
    if (names.includes(name) || /^(?:inputs|matrix|params)\.[^.]+$/.test(name)) continue
    if (outputNamed(name)) continue
    const meant = suggestKey(name, names)
    const words = meant
      ? `did you mean ${meant}?`
      : `the names are ${names.join(', ')}, inputs.…, matrix.…, params.… and needs.JOB.outputs.…`
    return `refers to ${quote(name)}, which is unknown: ${words} (at character ${at + 1})`
  }
  return undefined
}

export const conditions = group('when', {
  event: key(
    z.union([event, z.array(event).min(1)], { error: must('an event or a list of them') }),
    'What started the pipeline: `push`, `pull_request`, `tag`, `merge_group`, `release` or `manual`.',
    '[push, manual]',
  ),
  action: key(
    z.union([action, z.array(action).min(1)], { error: must('an action or a list of them') }),
    'What happened to the pull request: `opened`, `synchronized` or `reopened`, and what is only built if it is named: `closed`, `labeled`, `unlabeled`, `edited`, `ready_for_review`, `converted_to_draft`; `checks_requested` of a merge group, `published` of a release.',
    '[opened, synchronized, labeled]',
  ),
  branch: key(
    globs,
    'Patterns for the branch that was pushed to, or the target branch of the pull request or merge group.',
    "[main, 'release/*']",
  ),
  tag: key(globs, "Patterns for the tag's name.", "'v*'"),
  path: key(
    globs,
    "Patterns for the changed paths, of which one must match. It holds if the changes aren't known.",
    "['src/**', '!**/*.md']",
  ),
  label: key(
    globs,
    'Patterns for the labels of the pull request, of which one must match; with `!`, none may. When a label was added or removed, that one must match.',
    "[e2e, '!wip']",
  ),
  draft: key(
    z.boolean({ error: must('true or false') }),
    'Whether the pull request is a draft. Other events are none.',
    'false',
  ),
  merged: key(
    z.boolean({ error: must('true or false') }),
    'Whether the pull request was merged, when the action is `closed`.',
    'true',
  ),
  milestone: key(globs, 'Patterns for the milestone of the pull request.', "'v2.*'"),
  status: key(
    z.enum(STATUSES, { error: `must be one of ${STATUSES.join(', ')}` }),
    'The required result of the jobs that it needs, or of the steps before it; default: `success`.',
    'failure',
  ),
  expression: key(
    expression,
    'An expression that must evaluate to true.',
    `'!stranger && matches(branch, "rel-*")'`,
  ),
})

/** When something runs: all conditions of a mapping must hold; in a list, at least one mapping. */
export const when = z.union([conditions, z.array(conditions).min(1).max(20)], {
  error: must('a mapping or a list of mappings'),
})
export type When = z.infer<typeof when>
export type Conditions = z.infer<typeof conditions>
