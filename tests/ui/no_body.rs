// Where not even a body is found, the type exists.

use kiln::network;

network! {
    struct Digits<batch = 32>;
}

fn main() {
    let model = Digits::new(42);
    model.save("digits.safetensors").unwrap();
}
