// Tokens: who has none or another one stays outside, on every transport.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'

import { Place, Server } from './bridge.mjs'
import { Agent, ways } from './clients.mjs'

const over = transport => ways.filter(way => (way.transport === 'stdio') === (transport === 'stdio'))

describe('a token all share', () => {
	const token = 'interop-shared-token-0123456789'
	let place, server

	before(async () => {
		place = new Place()
		server = await Server.start(place, { args: ['--auth-token-file', place.file('token', token + '\n')] })
	})
	after(async () => {
		try {
			await server?.stop()
		} finally {
			place.remove()
		}
	})

	for (const way of over('http')) {
		for (const [what, wrong] of [['no token', undefined], ['a wrong token', token.replace('0', 'O')]]) {
			it(`${way.name}: ${what} is 401`, () => outside(way, { place, url: server.url, token: wrong }, /401|[Uu]nauthori[sz]ed/))
		}
		it(`${way.name}: the token admits`, () => inside(way, { place, url: server.url, token }))
	}
})

describe("an agent's own token", () => {
	let place, elsewhere, server, own, foreign

	before(async () => {
		place = new Place()
		elsewhere = new Place()
		own = await place.agent('interop')
		foreign = await elsewhere.agent('interop') // looks right, and is another bridge's
		server = await Server.start(place)
	})
	after(async () => {
		try {
			await server?.stop()
		} finally {
			place.remove()
			elsewhere.remove()
		}
	})

	for (const way of ways) {
		it(`${way.name}: another bridge's token does not admit`, () =>
			outside(way, { place, url: server.url, token: foreign }, way.transport === 'stdio' ? /[Cc]onnection closed/ : /401|[Uu]nauthori[sz]ed/))
		it(`${way.name}: the token admits and says who it is`, async () => {
			const message = await inside(way, { place, url: server.url, token: own }, 'interop')
			assert.equal(message.sender, 'interop')
		})
	}
})

async function outside(way, target, want) {
	await assert.rejects(async () => {
		const agent = await Agent.connect(way, target)
		await agent.close() // it should not have come so far
	}, err => {
		assert.match(`${err.code} ${err.message}`, want)
		return true
	})
}

// inside sends a message and returns it as it is read. Whoever has a token of his
// own is its sender, another says so.
async function inside(way, target, own) {
	const agent = await Agent.connect(way, target)
	try {
		const channel = `inside:${agent.name}`
		const sender = own ? undefined : agent.name
		await agent.call('bridge_send', { channel, content: 'inside', ...(sender && { sender }) })
		const { messages } = await agent.call('bridge_receive', { channel })
		return messages.at(-1)
	} finally {
		await agent.close()
	}
}
