// Waiting: woken by others, kept alive by progress, given up.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'

import { Place, Server } from './bridge.mjs'
import { Agent, ways } from './clients.mjs'

// The bridge shows progress every five seconds: a client that resets its timeout
// then never runs into this one, and one that doesn't does.
const impatience = 7_000 // ms

describe('waiting', { concurrency: 2 * ways.length }, () => {
	let place, server
	const agents = []
	const wakers = [] // of agents[i]: comes in another way

	before(async () => {
		place = new Place()
		server = await Server.start(place)
		for (const way of ways) agents.push(await Agent.connect(way, { place, url: server.url }))
		ways.forEach((_, i) => wakers.push(agents[(i + 1) % ways.length]))
	})

	after(async () => {
		try {
			await Promise.all(agents.map(agent => agent.close()))
			await server?.stop()
		} finally {
			place.remove()
		}
	})

	ways.forEach((way, i) => {
		it(`${way.name}: outlasts the client's timeout and is woken by another client`, () => woken(agents[i], wakers[i], `wait:woken-${i}`))
		it(`${way.name}: is given up, and no answer comes late`, () => givenUp(agents[i], wakers[i], `wait:given-up-${i}`))
	})

	it('ends with the process that waits', { timeout: 20_000 }, () => abandoned(place))
})

// blocked starts to wait behind a new message of the channel. seen is called with
// each progress notification: a wait that reports progress is one that blocks.
async function blocked(agent, channel, options, seen) {
	const first = await agent.call('bridge_send', { channel, sender: agent.name, content: 'before' })
	const progress = []
	const onprogress = p => { progress.push(p); seen(progress) }
	const args = { channel, since_id: first.id, timeout_seconds: 50 }
	const waiting = agent.call('bridge_wait', args, { ...options, onprogress })
	waiting.catch(() => {}) // whoever called awaits it later
	return { waiting, progress }
}

async function woken(agent, waker, channel) {
	const { promise: twice, resolve } = Promise.withResolvers()
	const options = { timeout: impatience, resetTimeoutOnProgress: true }
	const { waiting, progress } = await blocked(agent, channel, options, p => { if (p.length === 2) resolve() })
	await Promise.race([twice, waiting])
	const sent = await waker.call('bridge_send', { channel, sender: waker.name, content: 'wake up' })
	const page = await waiting
	assert.deepEqual([page.messages.map(m => m.id), page.timed_out], [[sent.id], false])
	assert.equal(progress.length, 2)
	assert.ok(progress[0].progress > 0 && progress[1].progress > progress[0].progress, 'progress does not grow')
	assert.equal(progress[0].total, 50)
	assert.ok(progress[1].progress * 1000 > impatience, 'the client would not have given up')
}

// givenUp cancels a wait, which gets no answer. On /mcp one ends the response of
// the call: the bridge says there that it was cancelled, and clients drop it. A
// message in it would be lost to whoever takes it for delivered.
async function givenUp(agent, waker, channel) {
	const abort = new AbortController()
	const { waiting } = await blocked(agent, channel, { signal: abort.signal, timeout: 30_000 }, () => abort.abort('enough'))
	await assert.rejects(waiting)
	await agent.cancelled
	await agent.call('bridge_ping') // the cancellation came before it
	await waker.call('bridge_send', { channel, sender: waker.name, content: 'too late' })
	const { messages } = await agent.call('bridge_receive', { channel })
	assert.deepEqual(messages.map(m => m.content), ['before', 'too late'])
	const ends = err => agent.way.transport === 'mcp' && err.includes('cancelled before it was done')
	assert.deepEqual([agent.errors.filter(err => !ends(err)), agent.notified], [[], []])
}

// abandoned hangs up while a call is in progress. That the process ends by itself
// is what close wants.
async function abandoned(place) {
	for (const way of ways.filter(w => w.transport === 'stdio')) {
		const agent = await Agent.connect(way, { place })
		const channel = `wait:abandoned-${agent.name}`
		const { id } = await agent.call('bridge_send', { channel, sender: agent.name, content: 'x' })
		const waiting = agent.call('bridge_wait', { channel, since_id: id, timeout_seconds: 50 })
		const rejected = assert.rejects(waiting)
		await agent.close()
		await rejected
	}
}
