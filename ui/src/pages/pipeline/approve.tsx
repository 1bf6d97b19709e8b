import { STRANGER_WORDS, waitWords } from '../../../../src/contract/rest/stranger-words.ts'
import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { formatSha } from '../../format.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { ChangedFiles } from './changed-files.tsx'

/** What was looked at, as the server wants it named. */
export function seenOf({ event, approval }: PipelineView) {
  return { sha: event.sha, ...(approval?.plan === undefined ? {} : { plan: approval.plan }) }
}

/** Lets a stranger's pipeline be run, or its jobs have the secrets that they name. */
export function Approve({ pipeline }: { readonly pipeline: PipelineView }) {
  const { approval, event } = pipeline
  if (approval?.status !== 'needed' || pipeline.outcome === 'cancelled') return null
  const approve = async () =>
    void (await call('approvePipeline', {
      params: { pipeline: pipeline.id },
      body: seenOf(pipeline),
    }))
  return (
    <CommandButton key="approve" run={approve} needs="member">
      {approval.for === 'run' ? 'Approve and run' : 'Approve its secrets'}{' '}
      <code>{formatSha(event.sha)}</code>
    </CommandButton>
  )
}

/** Why somebody has to approve, and what they answer for. */
export function ApprovalNotice({ pipeline }: { readonly pipeline: PipelineView }) {
  const { approval, event } = pipeline
  if (approval?.status !== 'needed' || pipeline.outcome === 'cancelled') return null
  const why = event.stranger ? `: ${STRANGER_WORDS[event.stranger]}` : ''
  return (
    <div className="notice">
      <p>
        This commit is a stranger’s{why}.{' '}
        {approval.for === 'run'
          ? 'Nothing of it is run before a member approves it.'
          : 'Its jobs get no secrets before a member approves it.'}{' '}
        All files of commit <code>{event.sha}</code> run then, not only narwhal.yml: look at them
        first.
      </p>
      <WhyItWaits pipeline={pipeline} />
      <ChangedFiles pipeline={pipeline} isOpen />
    </div>
  )
}

function WhyItWaits({ pipeline: { approval } }: { readonly pipeline: PipelineView }) {
  const why = waitWords(approval)
  return why === undefined ? null : <p>It waits: {why}.</p>
}
