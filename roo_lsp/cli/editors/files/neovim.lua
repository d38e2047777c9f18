vim.opt.runtimepath:append('@plugin@')
require('roo').setup({
  cmd = { @server@ },
  settings = {
    provider = {
      baseUrl = '', -- empty: Ollama, LM Studio, llama.cpp or vLLM on this machine
      modelId = '', -- empty: the only one that is served
    },
  },
})
