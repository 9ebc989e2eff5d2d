// Every tool, with every client over every transport, all on one database.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'

import { Place, Server } from './bridge.mjs'
import { Agent, modern, ways } from './clients.mjs'

describe('tools', () => {
	let place, server
	const agents = []

	before(async () => {
		place = new Place()
		server = await Server.start(place)
		for (const way of ways) agents.push(await Agent.connect(way, { place, url: server.url }))
	})

	after(async () => {
		try {
			await Promise.all(agents.map(agent => agent.close()))
			await server?.stop()
		} finally {
			place.remove()
		}
	})

	ways.forEach((way, i) => describe(way.name, () => {
		it('agrees on a protocol revision', () => {
			const { client, version } = agents[i]
			assert.equal(version, way.version)
			assert.equal(client.getServerVersion().name, 'agentbridge')
			assert.match(client.getInstructions(), /\S/)
		})

		it('lists its tools with both schemas', () => {
			const { tools } = agents[i]
			assert.notEqual(tools.length, 0)
			for (const tool of tools) {
				assert.equal(tool.inputSchema.type, 'object', tool.name)
				assert.equal(tool.outputSchema?.type, 'object', tool.name)
				assert.equal(typeof tool.annotations?.readOnlyHint, 'boolean', tool.name)
			}
		})

		it('sends, reads, acknowledges and clears', () => channelWalk(agents[i], `interop:walk-${i}`))
		it('sends an envelope', () => envelope(agents[i], `interop:envelope-${i}`))
		it('talks to another client', () => conversation(agents[i], agents[(i + 1) % agents.length]))
		it('hears why it was refused', () => refusals(agents[i], `interop:refused-${i}`))

		if (modern(way)) it('subscribes, and ends that', () => subscription(agents[i]))

		it('has seen nothing it did not ask for', async () => {
			const { client, errors, notified } = agents[i]
			if (!modern(way)) await client.ping() // what was under way before is there after
			assert.deepEqual({ errors, notified }, { errors: [], notified: [] })
		})
	}))

	// A tool that is new must not go untested.
	it('were all exercised by every client', () => {
		for (const agent of agents) {
			const missed = agent.tools.map(tool => tool.name).filter(name => !agent.used.has(name))
			assert.deepEqual(missed, [], `${agent.name} has not called these`)
		}
	})
})

async function channelWalk(agent, channel) {
	const draft = { channel, sender: agent.name, content: 'the build is green', idempotency_key: 'build-1' }
	const first = await agent.call('bridge_send', draft)
	const again = await agent.call('bridge_send', draft)
	assert.deepEqual([again.id, first.deduplicated, again.deduplicated], [first.id, false, true])
	const second = await agent.call('bridge_send', { channel, sender: agent.name, content: 'ünïcödé 🌉\nsecond line' })
	assert.ok(second.seq > first.seq)

	const reader = { channel, consumer_id: agent.name }
	const all = await agent.call('bridge_receive', { ...reader, limit: 10 })
	assert.deepEqual(all.messages.map(m => [m.id, m.sender, m.content]), [
		[first.id, agent.name, 'the build is green'], [second.id, agent.name, 'ünïcödé 🌉\nsecond line']])
	const cursor = await agent.call('bridge_ack', { ...reader, message_id: first.id, metadata: { by: 'interop' } })
	assert.deepEqual([cursor.last_message_id, cursor.advanced], [first.id, true])
	const rest = await agent.call('bridge_wait', { ...reader, timeout_seconds: 5 })
	assert.deepEqual([rest.messages.map(m => m.id), rest.timed_out], [[second.id], false])
	const none = await agent.call('bridge_wait', { channel, since_id: second.id, timeout_seconds: 0 })
	assert.deepEqual([none.messages, none.timed_out], [[], true])

	await overview(agent, channel, second)
	const cleared = await agent.call('bridge_clear', { channel })
	assert.equal(cleared.cleared, 2)
}

async function overview(agent, channel, newest) {
	const ping = await agent.call('bridge_ping')
	assert.equal(ping.service, 'agentbridge')
	const { channels } = await agent.call('bridge_channels')
	assert.equal(channels.find(c => c.channel === channel)?.count, 2)
	const status = await agent.call('bridge_status', { per_channel: 1 })
	assert.deepEqual(status.channels.find(c => c.channel === channel)?.messages.map(m => m.id), [newest.id])
}

async function envelope(agent, channel) {
	const message = {
		schema_version: 1, type: 'task.request', content: { title: 'review', attempts: [1, 2.5, null, true] },
		thread_id: 'pr-42', recipient: 'somebody', artifacts: [{ uri: 'git:main@1', name: 'the branch' }],
	}
	await agent.call('bridge_send', { channel, sender: agent.name, message })
	const { messages: [got] } = await agent.call('bridge_receive', { channel })
	assert.equal(got.encoding, 'structured')
	for (const key of Object.keys(message)) assert.deepEqual(got.message[key], message[key], key)
}

// conversation has alice invite bob, who came by another way.
async function conversation(alice, bob) {
	const made = await alice.call('create_conversation', { my_role: 'backend_developer', partner_role: 'reviewer' })
	const joined = await bob.call('join_conversation', { invite: made.invite })
	assert.deepEqual([joined.conversation_id, joined.session_id, joined.role], [made.conversation_id, 'b', 'reviewer'])
	const a = seat(made, made.session_a_token)
	const b = seat(joined, joined.session_b_token)

	const question = { ...a, message: 'does it compile?', action_type: 'question', files_involved: ['main.go'], idempotency_key: 'q1' }
	const asked = await alice.call('send_to_partner', question)
	assert.equal((await alice.call('send_to_partner', question)).deduplicated, true)
	await bob.call('update_my_status', { ...b, status: 'working' })
	const unread = await alice.call('check_partner_status', a)
	assert.deepEqual([unread.status, unread.unread_by_partner, unread.alive], ['working', 1, true])

	const inbox = await bob.call('check_messages', b)
	assert.deepEqual(inbox.messages.map(m => [m.id, m.message]), [[asked.message_id, 'does it compile?']])
	assert.equal((await bob.call('check_messages', b)).count, 0)
	await bob.call('send_to_partner', { ...b, message: 'it does' })
	assert.equal((await alice.call('check_messages', a)).count, 1)
	assert.equal((await alice.call('check_partner_status', a)).unread_by_partner, 0)
	await alice.refused('join_conversation', { invite: made.invite }) // it works once
}

// seat is what admits to one side; a process that keeps the token shows none.
function seat({ conversation_id, session_id }, token) {
	return { conversation_id, session_id, ...(token && { token }) }
}

// subscription listens for changes, of which the bridge announces none: its tools
// stay what they are.
async function subscription(agent) {
	const listening = await agent.client.listen({ toolsListChanged: true })
	assert.deepEqual(listening.honoredFilter, {})
	await listening.close()
	assert.match(await listening.closed, /local|graceful/)
}

async function refusals(agent, channel) {
	const draft = { channel, sender: agent.name, content: 'x' }
	const cases = [
		['bridge_send', { channel, sender: agent.name }, /content or message/],
		['bridge_send', { ...draft, message: { schema_version: 1, type: 'a', content: 1 } }, /content or message/],
		['bridge_send', { ...draft, channel: ' padded ' }, /^channel: /],
		['bridge_send', { ...draft, surprise: 1 }, /surprise/],
		['bridge_send', { ...draft, content: 'x'.repeat(131_073) }, /^content: .*131072/],
		['bridge_wait', { channel }, /since_id or consumer_id/],
		['bridge_ack', { channel, consumer_id: 'c', message_id: 'nothing' }, /^message_id: /],
		['bridge_receive', { channel, limit: 501 }, /^limit: /],
		['join_conversation', { invite: '0000-0000-0000' }, /^invite: /],
		['send_to_partner', { conversation_id: 'conv_0123456789abcdef', session_id: 'a', token: 'f'.repeat(64), message: 'x' }, /token/],
	]
	for (const [tool, args, want] of cases) assert.match(await agent.refused(tool, args), want)
	await assert.rejects(agent.ask('no_such_tool', {}), /no_such_tool/)
}
