import type { PipelineView } from '../../../src/contract/views.ts'
import { postJson } from '../api.ts'
import { CommandButton } from '../parts/command-button.tsx'

/** Lets a fork's pipeline have the secrets that its jobs name, where one of them lacked some. */
export function Approve({ pipeline }: { readonly pipeline: PipelineView }) {
  if (pipeline.approval?.status !== 'needed') return null
  const approve = async () => void (await postJson(`/pipelines/${pipeline.id}/approve`))
  return (
    <CommandButton key="approve" run={approve} needs="member">
      Approve: give it its secrets
    </CommandButton>
  )
}
