import { type ReactNode, useState } from 'react'
import { webhookWords } from '../../../../src/contract/rest/forge-words.ts'
import type { TestedDelivery } from '../../../../src/contract/rest/rest-insights.ts'
import type {
  RegisteredRepository,
  RepositoryView,
} from '../../../../src/contract/rest/rest-repositories.ts'
import { call } from '../../api.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Copyable } from '../../parts/copyable.tsx'

export interface WebhookHelpProps {
  readonly repository: RepositoryView
  /** With the secret; only right after registration. */
  readonly webhook: RegisteredRepository['webhook']
}

/** How to set up a repository's webhook, and a test delivery. */
export function WebhookHelp({ repository, webhook }: WebhookHelpProps) {
  const [renewed, setRenewed] = useState<RegisteredRepository['webhook']>()
  const { forge } = repository
  const words = webhookWords(forge)
  if (!words) return <Polled repository={repository} />
  const url = `${location.origin}/webhooks/${forge}/${repository.id}`
  const known = renewed ?? webhook
  const renew = async () => {
    const params = { repository: repository.id }
    setRenewed((await call('renewWebhookSecret', { params })).webhook)
  }
  return (
    <div className="form">
      {repository.movedTo === undefined ? null : (
        <p className="notice" role="status">
          The forge calls this repository {repository.movedTo} now. To clone it from there:{' '}
          <code>narwhal repo set {repository.name} --url URL</code>
        </p>
      )}
      <p>
        At {words.title}, {words.settings}
        {repository.forgePath === undefined ? '' : ` (${repository.forgePath})`}, enter:
      </p>
      <dl className="details webhook">
        <Field name={words.url}>
          <Copyable text={url} label="the URL" />
        </Field>
        {words.contentType === undefined ? null : (
          <Field name="Content type">
            <code>{words.contentType}</code>
          </Field>
        )}
        <Field name={words.secret}>
          {known ? (
            <>
              <Copyable text={known.secret} label="the secret" />
              <small className="quiet">
                It is shown only once.
                {known.formerEndsAt === undefined
                  ? ''
                  : ' The previous one stays valid until a commit signed with this one arrives.'}
              </small>
            </>
          ) : (
            <>
              <span>Shown only when created.</span>{' '}
              <CommandButton run={renew} needs="admin" isSmall>
                Create new secret
              </CommandButton>
            </>
          )}
        </Field>
        <Field name={words.events.field}>{words.events.chosen}</Field>
      </dl>
      <p className="quiet small">
        If the agent runs separately, or the forge reaches Narwhal under another name, use its URL.
        {words.sendsSecret ? ` ${words.title} sends the secret itself: use an https URL.` : ''}
      </p>
      <TestDelivery repository={repository} usual={url} />
    </div>
  )
}

function Field({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Polled({ repository }: { readonly repository: RepositoryView }) {
  const seconds = repository.pollIntervalMs / 1000
  return (
    <div className="form">
      <p>
        {seconds > 0
          ? `Narwhal polls for new commits every ${seconds < 120 ? `${seconds} seconds` : `${seconds / 60} minutes`}; no setup at the forge is needed.`
          : 'Polling is off. Start pipelines manually or through the API.'}
      </p>
      <p>To start pipelines at once, have a hook or script at the forge run:</p>
      <Copyable
        label="the command"
        text={`./narwhal pipeline start ${repository.name} --server ${location.origin} --ref main`}
      />
    </div>
  )
}

interface TestDeliveryProps {
  readonly repository: RepositoryView
  readonly usual: string
}

function TestDelivery({ repository, usual }: TestDeliveryProps) {
  const [url, setUrl] = useState(usual)
  const [tested, setTested] = useState<TestedDelivery>()
  const test = async () => {
    setTested(undefined)
    const params = { repository: repository.id }
    setTested(await call('testDelivery', { params, body: { url } }))
  }
  return (
    <div className="form test-delivery">
      <label>
        Webhook URL
        <input type="url" value={url} onChange={(event) => setUrl(event.target.value)} />
      </label>
      <p>
        <CommandButton run={test} needs="admin">
          Send test delivery
        </CommandButton>
      </p>
      {tested ? (
        <p className={`notice ${tested.ok ? 'is-good' : 'is-error'}`} role="status">
          {tested.ok ? 'Success: ' : 'Failed: '}
          {tested.words}
        </p>
      ) : null}
    </div>
  )
}
