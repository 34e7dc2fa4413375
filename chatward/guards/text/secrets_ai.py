"""Credentials of model providers, AI tools and the data services around them."""

from __future__ import annotations

from typing import Final

from chatward.core.values import Severity
from chatward.guards.text.secrets_kinds import UUID, A, B, H, Marked, Named, W

MARKED: Final = (
    Marked(
        "openai-key",
        "sk-",
        f"(?:(?:proj|svcacct|service|admin|None)-)?{W}{{20,110}}T3BlbkFJ{W}{{20}}",
        "OpenAI API key",
        severity=Severity.CRITICAL,
        tail="[A-Za-z0-9_-]",
    ),
    Marked(
        "openai-project-key", "sk-(?:proj|svcacct|admin)-", f"{W}{{40}}", "OpenAI project key", tail="[A-Za-z0-9_-]"
    ),
    Marked("openai-session", "sess-", f"{A}{{40}}", "OpenAI session token", "TOKEN"),
    Marked("llm-key", "sk-", f"{A}{{32,64}}", "API key in OpenAI's style (DeepSeek, Moonshot, DashScope, LiteLLM)"),
    Marked(
        "anthropic-key",
        r"sk-ant-api\d{2}-",
        f"{W}{{80}}",
        "Anthropic API key",
        severity=Severity.CRITICAL,
        tail="[A-Za-z0-9_-]",
    ),
    Marked(
        "anthropic-admin-key",
        r"sk-ant-admin\d{2}-",
        f"{W}{{80}}",
        "Anthropic admin key",
        severity=Severity.CRITICAL,
        tail="[A-Za-z0-9_-]",
    ),
    Marked(
        "anthropic-oauth-token",
        r"sk-ant-o[ar]t\d{2}-",
        f"{W}{{60}}",
        "Anthropic OAuth token",
        "TOKEN",
        tail="[A-Za-z0-9_-]",
    ),
    Marked(
        "anthropic-session", r"sk-ant-sid\d{2}-", f"{W}{{60}}", "Anthropic session key", "TOKEN", tail="[A-Za-z0-9_-]"
    ),
    Marked("huggingface-token", "hf_", f"{A}{{34,40}}", "Hugging Face access token", "TOKEN"),
    Marked("huggingface-org-token", "api_org_", f"{A}{{34}}", "Hugging Face organisation token", "TOKEN"),
    Marked("replicate-token", "r8_", f"{A}{{37}}", "Replicate API token", "TOKEN"),
    Marked("groq-key", "gsk_", f"{A}{{52}}", "Groq API key"),
    Marked("perplexity-key", "pplx-", f"{A}{{48}}", "Perplexity API key"),
    Marked("xai-key", "xai-", f"{A}{{80}}", "xAI API key"),
    Marked("openrouter-key", r"sk-or-v\d-", f"{H}{{64}}", "OpenRouter API key"),
    Marked("langsmith-key", "lsv2_(?:pt|sk)_", f"{H}{{32}}_{H}{{10}}", "LangSmith API key"),
    Marked("langchain-legacy-key", "ls__", f"{H}{{32}}", "LangSmith API key (legacy)"),
    Marked("langfuse-secret-key", "sk-lf-", UUID, "Langfuse secret key"),
    Marked("pinecone-key", "pcsk_", f"{A}{{5,7}}_{A}{{50,66}}", "Pinecone API key"),
    Marked("together-key", "tgp_v1_", f"{W}{{43}}", "Together AI API key"),
    Marked("fireworks-key", "fw_", f"{A}{{22,24}}", "Fireworks AI API key"),
    Marked("cerebras-key", "csk-", "[a-z0-9]{48}", "Cerebras API key"),
    Marked("nvidia-key", "nvapi-", f"{W}{{60,70}}", "NVIDIA API key"),
    Marked("elevenlabs-key", "sk_", f"{H}{{48}}", "ElevenLabs API key"),
    Marked("voyage-key", "pa-", f"{W}{{43}}", "Voyage AI API key"),
    Marked("jina-key", "jina_", f"{H}{{32}}{W}{{28}}", "Jina AI API key"),
    Marked("tavily-key", "tvly-(?:dev-|prod-)?", f"{A}{{32}}", "Tavily API key"),
    Marked("firecrawl-key", "fc-", f"{H}{{32}}", "Firecrawl API key"),
    Marked("wandb-key", "wandb_v1_", f"{W}{{40}}", "Weights & Biases API key", tail="[A-Za-z0-9_-]"),
    Marked("runpod-key", "rpa_", "[A-Z0-9]{40,48}[a-z0-9]{0,6}", "RunPod API key"),
    Marked("anyscale-key", "esecret_", f"{A}{{26}}", "Anyscale API key"),
    Marked("friendli-token", "flp_", f"{A}{{40,50}}", "Friendli token", "TOKEN"),
    Marked("helicone-key", "(?:sk|pk)-helicone-", "[a-z0-9]{7}(?:-[a-z0-9]{7}){3}", "Helicone API key"),
    Marked("mem0-key", "m0-", f"{A}{{40}}", "Mem0 API key"),
    Marked("e2b-key", "e2b_", f"{H}{{40}}", "E2B API key"),
    Marked("apify-token", "apify_api_", f"{A}{{36}}", "Apify API token", "TOKEN"),
    Marked("browserbase-key", "bb_live_", f"{W}{{24,30}}", "Browserbase API key"),
    Marked("cursor-key", "(?:crsr|key)_", f"{H}{{64}}", "Cursor API key"),
    Marked("llamacloud-key", "llx-", f"{A}{{48}}", "LlamaCloud API key"),
    Marked("scale-key", "(?:live|test)_", f"{H}{{32}}", "Scale AI API key"),
    Marked("weaviate-key", "", r"WEAVIATE_[A-Z]{2,6}_[A-Za-z0-9]{32,48}", "Weaviate API key"),
    Marked("context7-key", "ctx7sk-", UUID, "Context7 API key"),
)

NAMED: Final = (
    Named("cohere-key", "cohere|co_api", f"{A}{{40}}", "Cohere API key"),
    Named("mistral-key", "mistral", f"{A}{{32}}", "Mistral AI API key"),
    Named("assemblyai-key", "assembly_?ai", f"{H}{{32}}", "AssemblyAI API key"),
    Named("deepgram-key", "deepgram", f"{H}{{40}}", "Deepgram API key"),
    Named("elevenlabs-legacy-key", "eleven_?labs|xi-api-key", f"{H}{{32}}", "ElevenLabs API key (legacy)"),
    Named("ai21-key", "ai21", f"{A}{{32}}", "AI21 API key"),
    Named("together-legacy-key", "together_?ai|together_api", f"{H}{{64}}", "Together AI API key (legacy)"),
    Named("pinecone-legacy-key", "pinecone", UUID, "Pinecone API key (legacy)"),
    Named("qdrant-key", "qdrant", f"{W}{{54}}", "Qdrant API key"),
    Named("exa-key", "exa_api|exa[ -]api", UUID, "Exa API key"),
    Named("serpapi-key", "serp_?api", f"{H}{{64}}", "SerpApi key"),
    Named("serper-key", "serper", f"{H}{{40}}", "Serper API key"),
    Named("brave-search-key", "brave_api|brave_search|brave search", f"BSA{W}{{28}}", "Brave Search API key"),
    Named("wandb-legacy-key", "wandb|weights_?and_?biases", f"{H}{{40}}", "Weights & Biases API key (legacy)"),
    Named("clarifai-key", "clarifai", f"{H}{{32}}", "Clarifai API key"),
    Named("comet-key", "comet_ml|comet_api|comet\\.com", f"{A}{{25}}", "Comet ML API key"),
    Named(
        "neptune-token",
        "neptune_api|neptune\\.ai",
        f"eyJhcGlfYWRkcmVzcyI6{B}{{60,160}}={{0,2}}",
        "Neptune API token",
        "TOKEN",
    ),
    Named("roboflow-key", "roboflow", f"{A}{{20}}", "Roboflow API key"),
    Named("kaggle-key", "kaggle", f"{H}{{32}}", "Kaggle API key"),
    Named("zhipu-key", "zhipu|bigmodel|chatglm", rf"{H}{{32}}\.{A}{{16}}", "Zhipu AI API key"),
    Named("minimax-key", "minimax", f"{A}{{32,64}}", "MiniMax API key"),
    Named("sambanova-key", "sambanova", UUID, "SambaNova API key"),
    Named("speechmatics-key", "speechmatics", f"{A}{{32}}", "Speechmatics API key"),
    Named("deepl-key", "deepl", f"{UUID}(?::fx)?", "DeepL API key"),
    Named("kagi-key", "kagi", rf"{W}{{11}}\.{W}{{36}}\.{W}{{43}}", "Kagi API key"),
)
