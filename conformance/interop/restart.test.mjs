// The server is killed and starts again: what it had confirmed is there, and
// clients come back the way their transport provides for.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'

import { Place, Server } from './bridge.mjs'
import { Agent, modern, ways } from './clients.mjs'

describe('a server that was killed and started again', () => {
	let place, server
	const agents = [] // connected before

	before(async () => {
		place = new Place()
		server = await Server.start(place)
		for (const way of ways) agents.push(await Agent.connect(way, { place, url: server.url }))
		for (const agent of agents) await remember(agent)
		await server.kill()
	})

	after(async () => {
		try {
			await Promise.all(agents.map(agent => agent.close()))
			await server?.stop()
		} finally {
			place.remove()
		}
	})

	it('while it is down, agents with a process of their own go on and others hear so', async () => {
		for (const agent of agents) {
			if (agent.way.transport === 'stdio') await send(agent, 'meanwhile')
			else await assert.rejects(agent.ask('bridge_ping', {}))
		}
	})

	it('starts again on the same address', async () => {
		server = await Server.start(place, { port: server.port })
	})

	ways.forEach((way, i) => {
		if (way.transport === 'stdio' || modern(way)) {
			it(`${way.name}: goes on as if nothing had happened`, async () => {
				await send(agents[i], 'after')
				await resumed(agents[i])
			})
			return
		}
		it(`${way.name}: the old session is gone, and a new one goes on where it was`, async () => {
			await assert.rejects(agents[i].ask('bridge_ping', {}))
			await agents[i].close()
			agents[i] = await Agent.connect(way, { place, url: server.url })
			await send(agents[i], 'after')
			await resumed(agents[i])
		})
	})
})

const send = (agent, content) => agent.call('bridge_send', { channel: `restart:${agent.name}`, sender: agent.name, content })
const reader = agent => ({ channel: `restart:${agent.name}`, consumer_id: agent.name })

// remember sends two messages and acknowledges the first.
async function remember(agent) {
	const { id } = await send(agent, 'acknowledged')
	await send(agent, 'unread')
	await agent.call('bridge_ack', { ...reader(agent), message_id: id })
}

// resumed wants everything behind the acknowledgement, in order, once.
async function resumed(agent) {
	const { messages } = await agent.call('bridge_receive', reader(agent))
	const want = agent.way.transport === 'stdio' ? ['unread', 'meanwhile', 'after'] : ['unread', 'after']
	assert.deepEqual(messages.map(m => m.content), want)
}
