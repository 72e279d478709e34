package family

import (
	"strings"

	"vitrine/engine/internal/jsonfile"
)

// ignored are the keys of upstream's configs that change no number of an inference: how a
// model is trained, how a language model generates, what another class of the family
// reads, and where a file comes from (configuration_utils.py and
// models/<family>/configuration_<family>.py, 4.x and 5.x).
const ignored = ` architectures model_type transformers_version torch_dtype dtype _name_or_path name_or_path _commit_hash
 auto_map id2label label2id num_labels problem_type finetuning_task task_specific_params
 return_dict use_return_dict output_hidden_states output_attentions torchscript use_bfloat16 tf_legacy_loss tie_word_embeddings
 chunk_size_feed_forward is_encoder_decoder is_decoder add_cross_attention cross_attention_hidden_size tie_encoder_decoder
 _attn_implementation attn_implementation _attn_implementation_autoset _attn_implementation_internal use_cache gradient_checkpointing
 max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p typical_p
 repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids num_return_sequences
 output_scores return_dict_in_generate forced_bos_token_id forced_eos_token_id remove_invalid_values
 exponential_decay_length_penalty suppress_tokens begin_suppress_tokens tokenizer_class prefix
 bos_token_id pad_token_id eos_token_id sep_token_id decoder_start_token_id
 attention_dropout attention_probs_dropout_prob hidden_dropout_prob dropout drop_path_rate
 initializer_range initializer_factor layerscale_value logit_scale_init_value
 encoder_stride use_mask_token out_features out_indices stage_names apply_layernorm reshape_hidden_states
 pos_embed_shift pos_embed_jitter pos_embed_rescale
 projection_dim pooler_output_size pooler_act vision_config text_config quantization_config
 image_token_index image_token_id image_seq_length ignore_index vocab_size transformers.js_config `

// maxUnknown bounds the warnings of one part of config.json.
const maxUnknown = 20

// warnUnknown warns of the keys that were not read and are not known to be harmless, and
// refuses those that make upstream compute another model.
func (a *Architecture) warnUnknown(s section) {
	unknown := 0
	_ = s.objects[0].Each(func(key string, v jsonfile.Value) error {
		if !v.Has() || s.seen[key] || strings.Contains(ignored, " "+key+" ") || strings.Contains(ignored, " "+key+"\n") {
			return nil
		}
		where := strings.TrimPrefix(v.Where(), "config.json: ")
		switch {
		case key == "pruned_heads" || key == "per_layer_config":
			if raw := strings.ReplaceAll(string(v.Raw()), " ", ""); raw != "{}" {
				s.fail(v.Unsupported("found %.80s; only models whose layers are all alike are supported", raw))
			}
		case unknown == maxUnknown:
			a.Warn("config.json", where, "and later keys are not known here and are ignored")
			unknown++
		case unknown < maxUnknown:
			a.Warn("config.json", where, "is not known here and is ignored")
			unknown++
		}
		return nil
	})
}
